// SPDX-License-Identifier: Apache-2.0
//
// 17_programs.test.ts - more of the real programs that send logs: logger's further forms, what uses
// syslog(3) and /dev/log, syslog-ng, rsyslog while the server is away, nginx, HAProxy, the journal.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { connect, createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { eventually } from "./lib/client.js";
import { exec, found, isNow, type Row, theRecord, withFolder, withProgram } from "./lib/programs.js";
import { makeDataDir, Server, withServer } from "./lib/server.js";

const parts = (row: Row) => [row.level, row.facility, row.host, row.app, row.pid];

const loggerForms: { name: string; args: string[]; host?: string; msgid?: string }[] = [
  { name: "TCP, octet-counted, RFC 3164", args: ["--tcp", "--octet-count", "--rfc3164"], host: hostname() },
  { name: "UDP, without a host", args: ["--udp", "--rfc5424=nohost"] },
  { name: "TCP, without a time", args: ["--tcp", "--rfc5424=notime,notq"], host: hostname() },
  { name: "TCP, a message's id", args: ["--tcp", "--rfc5424", "--msgid", "PAY"], host: hostname(), msgid: "PAY" },
];

test("logger's further forms", async (t) => {
  await withServer({}, async (server) => {
    const to = ["--server", "127.0.0.1", "--port", `${server.logsPort}`];
    for (const form of loggerForms)
      await t.test(form.name, async () => {
        exec("logger", [...to, ...form.args, "-p", "cron.crit", "-t", "timer", "--id=12", `${form.name}: 로그`]);
        const row = await theRecord(server, `${form.name}: 로그`);
        assert.deepEqual([...parts(row), row.msgid], ["CRIT", "cron", form.host, "timer", "12", form.msgid]);
        isNow(row);
      });

    await t.test("structured data", async () => {
      exec("logger", [...to, "--tcp", "--octet-count", "--rfc5424", "-t", "shop", "--sd-id", "order@32473", "--sd-param", 'no="17"',
        "--sd-param", 'by="a \\"card\\" \\]"', "--sd-id", "zone@32473", "--sd-param", 'name="서울"', "paid with structured data"]);
      const row = await theRecord(server, "paid with structured data");
      assert.deepEqual([row["order@32473.no"], row["order@32473.by"], row["zone@32473.name"], row["timeQuality.tzKnown"]],
        ["17", 'a "card" ]', "서울", "1"]);
    });

    await t.test("lines with a prefix of their own, from standard input", async () => {
      exec("logger", [...to, "--tcp", "--prio-prefix", "--skip-empty", "-t", "piped"], "as the option says\n<11>an error\n\n<190>of local7\n");
      const rows = await eventually(() => server.query("app:piped"), (all) => all.length === 3);
      const of = (message: string) => rows.find((row) => row._msg === message)!;
      assert.deepEqual(["an error", "of local7", "as the option says"].map((m) => [of(m).level, of(m).facility]),
        [["ERROR", "user"], ["INFO", "local7"], ["NOTICE", "user"]]);
    });

    await t.test("a file, to a Unix datagram socket", async () => {
      await withFolder(async (folder) => {
        writeFileSync(join(folder, "lines"), Array.from({ length: 100 }, (_, i) => `line ${i} of the file\n`).join(""));
        exec("logger", ["--socket", server.socket("logs.dgram"), "--rfc5424", "-t", "filed", "-f", join(folder, "lines")]);
        await eventually(() => server.count('app:filed "of the file"'), (n) => n === 100);
      });
    });
  });
});

// /dev/log of this process alone: in a mount namespace, /dev is a folder of our own
const ownDev = 'mkdir "$1/dev"; mount --rbind /dev "$1/dev"; mount -t tmpfs none /dev; touch /dev/null; ' +
  'mount --bind "$1/dev/null" /dev/null; ln -s "$1/log" /dev/log; ';

test("in place of /dev/log", async (t) => {
  const may = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
  if (may.status !== 0) return t.skip(`no mount namespace here: ${may.stderr}`);
  await withFolder(async (folder) => {
    await withServer({ args: ["--logs", `unixgram:${join(folder, "log")}`, "--logs", ":0"] }, async (server) => {
      const inside = (script: string) => exec("unshare", ["--mount", "sh", "-euc", ownDev + script, "sh", folder]);
      inside(`logger -p mail.err -t post "logger without options"`);
      const row = await theRecord(server, "logger without options");
      assert.deepEqual(parts(row), ["ERROR", "mail", undefined, "post", undefined]);
      assert.equal(row.source, `unix:${process.getuid!()}`);
      isNow(row);
    });
  });
  await withFolder(async (folder) => {
    await withServer({ args: ["--logs", `unixgram:${join(folder, "log")}`, "--logs", ":0"] }, async (server) => {
      // socat writes what happens by syslog(3) of the C library
      exec("unshare", ["--mount", "sh", "-euc", `${ownDev} socat -lydaemon -lp relay -d -d -u OPEN:/dev/null OPEN:/dev/null`, "sh", folder]);
      const rows = await eventually(() => server.query('app:relay facility:daemon "exiting with status"'), (all) => all.length > 0);
      assert.match(rows[0]!.pid as string, /^\d+$/);
      isNow(rows[0]!);
    });
  });
});

const syslogNg = join(process.cwd(), "../../build-syslog-ng/syslog-ng");

// By the name of the program whose messages go that way. Those to one address need names of their own.
const ways: { [app: string]: (server: Server) => string } = {
  "udp3164": (s) => `network("127.0.0.1" persist-name("udp3164") port(${s.logsPort}) transport("udp"))`,
  "tcp3164": (s) => `network("127.0.0.1" persist-name("tcp3164") port(${s.logsPort}) transport("tcp"))`,
  "iso3164": (s) => `network("127.0.0.1" persist-name("iso3164") port(${s.logsPort}) transport("tcp") ts-format(iso) frac-digits(6))`,
  "udp5424": (s) => `syslog("127.0.0.1" persist-name("udp5424") port(${s.logsPort}) transport("udp"))`,
  "tcp5424": (s) => `syslog("127.0.0.1" persist-name("tcp5424") port(${s.logsPort}) transport("tcp"))`,
  "lines5424": (s) => `network("127.0.0.1" persist-name("lines5424") port(${s.logsPort}) transport("tcp") flags(syslog-protocol))`,
  "dgram": (s) => `unix-dgram("${s.socket("logs.dgram")}")`,
  "stream": (s) => `unix-stream("${s.socket("logs.sock")}")`,
  "json": (s) => `network("127.0.0.1" persist-name("json") port(${s.logsPort}) transport("tcp")
    template("$(format-json time=$ISODATE level=$LEVEL host=$HOST app=$PROGRAM pid=$PID facility=$FACILITY msg=$MESSAGE)\\n"))`,
};

test("syslog-ng", async (t) => {
  if (!existsSync(syslogNg)) return t.skip("no syslog-ng here: scripts/syslog-ng.sh build-syslog-ng fetches it");
  // by TCP, syslog-ng takes any answer for an end and connects again only a minute later
  await withFolder((folder) => withServer({ args: ["--acks", "off"] }, async (server) => {
    const input = join(folder, "in.sock");
    const config = join(folder, "syslog-ng.conf");
    writeFileSync(config, [
      "@version: 3.38",
      "options { keep-hostname(yes); use-dns(no); };",
      `source local { unix-dgram("${input}"); };`,
      ...Object.entries(ways).map(([app, way]) =>
        `log { source(local); filter { program("${app}" type(string)); }; destination { ${way(server)}; }; };`),
    ].join("\n"));
    const args = ["-F", "-f", config, "-R", join(folder, "persist"), "-c", join(folder, "control"), "--pidfile", join(folder, "pid")];
    await withProgram(syslogNg, args, async () => {
      await eventually(() => existsSync(input), (there) => there);
      for (const app of Object.keys(ways))
        await t.test(app, async () => {
          for (let i = 0; i < 20; i++)
            exec("logger", ["--socket", input, "-t", app, "--id=31", "-p", "local3.warning", `${i} 전달 by ${app}`]);
          const rows = await eventually(() => server.query(`app:${app}`), (all) => all.length >= 20);
          assert.deepEqual(rows.map((row) => row._msg).sort(), Array.from({ length: 20 }, (_, i) => `${i} 전달 by ${app}`).sort());
          for (const row of rows) {
            assert.deepEqual(parts(row), ["WARN", "local3", hostname(), app, "31"]);
            isNow(row);
          }
        });
    });
  }));
});

test("rsyslog keeps on its disk what comes while the server is away", async () => {
  const data = makeDataDir();
  await withFolder(async (folder) => {
    let server = await Server.start({ data });
    const port = server.logsPort;
    const input = join(folder, "in.sock");
    const config = join(folder, "rsyslog.conf");
    writeFileSync(config, `
global(workDirectory="${folder}" processInternalMessages="on")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${input}" CreatePath="on" RateLimit.Interval="0")
action(type="omfwd" target="127.0.0.1" port="${port}" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
  queue.type="Disk" queue.filename="away" queue.maxDiskSpace="64m" queue.saveOnShutdown="on"
  action.resumeRetryCount="-1" action.resumeInterval="1")
`);
    const log = (text: string) => exec("logger", ["--socket", input, "-t", "keeper"], text);
    const lines = (name: string) => Array.from({ length: 300 }, (_, i) => `${name} number ${i}.`);
    const stored = async (query: string, count: number) => {
      const rows = await eventually(() => server.query(query), (all) => all.length >= count);
      return rows.map((row) => (row._msg as string).trimStart());
    };
    try {
      await withProgram("rsyslogd", ["-n", "-f", config, "-i", join(folder, "pid")], async () => {
        // rsyslogd loses what comes while it starts: wait until something has come through
        const probe = ["--socket", input, "-t", "probe", "rsyslog is up"];
        await eventually(() => spawnSync("logger", probe).status === 0 && server.count("app:probe") > 0, (up) => up);
        log(lines("before").join("\n"));
        await stored("app:keeper", 300);
        await server.stop(); // rsyslog sees it before it sends again
        log(lines("away").join("\n"));
        await eventually(() => existsSync(join(folder, "away.00000001")), (there) => there);
        server = await Server.start({ data, args: ["--logs", `127.0.0.1:${port}`] });
        log(lines("back").join("\n"));
        const messages = await stored("app:keeper", 900);
        assert.deepEqual(messages.sort(), [...lines("before"), ...lines("away"), ...lines("back")].sort());
        // and what it says of itself
        assert.match((await stored("app:rsyslogd facility:syslog start", 1))[0]!, /software="rsyslogd".* start$/);
      });
    } finally {
      await server.stop();
      rmSync(data, { recursive: true, force: true });
    }
  });
});

test("nginx's logs of accesses and errors", async () => {
  await withFolder((folder) => withServer({}, async (server) => {
    chmodSync(folder, 0o755); // its worker is another user
    const config = join(folder, "nginx.conf");
    const door = join(folder, "http.sock");
    writeFileSync(config, `
daemon off;
master_process off;
pid ${folder}/pid;
error_log syslog:server=unix:${server.socket("logs.dgram")},facility=daemon,tag=web_errors,nohostname info;
events {}
http {
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ")}
  access_log syslog:server=127.0.0.1:${server.logsPort},facility=local5,severity=notice,tag=web combined;
  server {
    listen unix:${door};
    location = /hello { return 200 "hello"; }
    location / { root ${folder}/none; }
  }
}
`);
    await withProgram("/usr/sbin/nginx", ["-c", config, "-e", "stderr"], async () => {
      await eventually(() => existsSync(door), (there) => there);
      for (const path of ["/hello", "/lost"]) {
        const [answer] = await once(get({ socketPath: door, path }), "response");
        answer.resume();
        await once(answer, "end");
      }
      const access = await found(server, 'app:web "GET /hello HTTP"');
      assert.deepEqual(parts(access), ["NOTICE", "local5", hostname(), "web", undefined]);
      assert.match(access._msg as string, /^unix: - - \[.*\] "GET \/hello HTTP\/1\.1" 200 5 "-" /);
      isNow(access);
      const error = await found(server, 'app:web_errors "none/lost"');
      assert.deepEqual(parts(error), ["ERROR", "daemon", undefined, "web_errors", undefined]);
      assert.match(error._msg as string, /open\(\) ".*none\/lost" failed \(2: No such file or directory\)/);
    });
  }));
});

const haproxyLogs: { name: string; log: (server: Server) => string; host: boolean }[] = [
  { name: "UDP, RFC 3164", log: (s) => `127.0.0.1:${s.logsPort} local0`, host: false },
  { name: "UDP, RFC 5424", log: (s) => `127.0.0.1:${s.logsPort} format rfc5424 local0`, host: true },
  { name: "Unix datagram", log: (s) => `${s.socket("logs.dgram")} local0`, host: false },
  { name: "TCP, by a ring", log: () => "ring@tolog local0", host: true },
];

test("HAProxy's own log", async (t) => {
  for (const { name, log, host } of haproxyLogs)
    await t.test(name, () => withFolder((folder) => withServer({}, async (server) => {
      const config = join(folder, "haproxy.cfg");
      const door = createServer();
      door.listen(0, "127.0.0.1");
      await once(door, "listening");
      const port = (door.address() as { port: number }).port;
      writeFileSync(config, `global
  log ${log(server)}
  ${host ? `log-send-hostname ${hostname()}` : ""}
ring tolog
  format rfc3164
  timeout connect 5s
  timeout server 10s
  server logcaster 127.0.0.1:${server.logsPort}
defaults
  log global
  mode http
  option httplog
  timeout client 60s
frontend web
  bind fd@3
  http-request return status 200
`);
      // the socket itself is handed over: no port can be taken by somebody else in between
      const fd = (door as unknown as { _handle: { fd: number } })._handle.fd;
      await withProgram("/usr/sbin/haproxy", ["-db", "-f", config], async () => {
        door.close();
        const client = connect(port, "127.0.0.1");
        client.end("GET /hello?a=1 HTTP/1.0\r\n\r\n");
        client.resume();
        await once(client, "close");
        const row = await found(server, 'app:haproxy "GET /hello"');
        assert.deepEqual(parts(row).slice(0, 4), ["INFO", "local0", host ? hostname() : undefined, "haproxy"]);
        assert.match(row.pid as string, /^\d+$/);
        assert.match(row._msg as string, /^127\.0\.0\.1:\d+ \[.*\] web web\/<.*> .* 200 .*"GET \/hello\?a=1 HTTP\/1\.0"$/);
        isNow(row);
      }, fd);
    })));
});

test("the journal: messages of several lines, and what is not text", async () => {
  await withFolder((folder) => withServer({ args: ["--journald-path", folder] }, async (server) => {
    const binary = (name: string, value: Buffer) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(value.length));
      return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from("\n")]);
    };
    const entry = (at: number, ...fields: Buffer[]) => Buffer.concat([
      Buffer.from(`__REALTIME_TIMESTAMP=${1_700_000_000_000_000 + at}\n__MONOTONIC_TIMESTAMP=${at}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n` +
        "SYSLOG_IDENTIFIER=cat\nPRIORITY=4\n_TRANSPORT=stdout\n"),
      ...fields, Buffer.from("\n")]);
    const trace = "Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: 값";
    const noText = Buffer.from([0x80, 0xff, 0x00, 0x0a, 0x41]);
    const input = Buffer.concat([
      entry(1, binary("MESSAGE", Buffer.from(trace)), Buffer.from("STACK_DEPTH=2\n")),
      entry(2, binary("MESSAGE", noText), binary("BLOB", noText)),
    ]);
    const made = spawnSync("/lib/systemd/systemd-journal-remote", ["-o", join(folder, "system.journal"), "-"], { input });
    assert.equal(made.status, 0, made.stderr.toString());
    const rows = await eventually(() => server.query("app:cat"), (all) => all.length === 2);
    assert.deepEqual([rows[0]!._msg, rows[0]!.level, rows[0]!.stack_depth], [trace, "WARN", "2"]);
    assert.deepEqual([rows[1]!._msg_base64, rows[1]!.blob_base64], [noText.toString("base64"), noText.toString("base64")]);
  }));
});
