// SPDX-License-Identifier: Apache-2.0
//
// 18_libraries.test.ts - syslog from Node's libraries, and what Docker's drivers send.

import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect, Socket } from "node:net";
import { hostname } from "node:os";
import { test } from "node:test";

import winston from "winston";

import { eventually } from "./lib/client.js";
import { isNow, type Row, theRecord } from "./lib/programs.js";
import { type Server, withServer } from "./lib/server.js";

// neither has types
const require = createRequire(import.meta.url);
const { Syslog } = require("winston-syslog") as { Syslog: new (options: object) => winston.transport & { socket: Socket | UdpSocket } };
const syslogClient = require("syslog-client") as {
  createClient(host: string, options: object): { log(message: string, options: object): void; close(): void } & NodeJS.EventEmitter;
  Transport: { Tcp: number; Udp: number };
};

const parts = (row: Row) => [row.level, row.facility, row.host, row.app, row.pid];

const winstonForms: { name: string; options: object }[] = [
  { name: "UDP, RFC 3164", options: { protocol: "udp4", type: "BSD" } },
  { name: "UDP, RFC 5424", options: { protocol: "udp4", type: "5424" } },
  { name: "TCP, RFC 3164", options: { protocol: "tcp4", type: "BSD", eol: "\n" } },
  { name: "TCP, RFC 5424", options: { protocol: "tcp4", type: "5424", eol: "\n" } },
];

test("winston-syslog", async (t) => {
  await withServer({}, async (server) => {
    for (const { name, options } of winstonForms)
      await t.test(name, async () => {
        const transport = new Syslog({
          host: "127.0.0.1", port: server.logsPort, app_name: "cart", pid: 88, facility: "local2", localhost: "shop-1", ...options,
        });
        const log = winston.createLogger({
          levels: winston.config.syslog.levels, format: winston.format.printf((info) => `${info.message}`), transports: [transport],
        });
        for (let i = 0; i < 10; i++) log.warning(`${i} 결제 by ${name}`);
        const rows = await eventually(() => server.query(`"결제 by ${name}"`), (all) => all.length >= 10);
        assert.deepEqual(rows.map((row) => row._msg).sort(), Array.from({ length: 10 }, (_, i) => `${i} 결제 by ${name}`));
        for (const row of rows) {
          assert.deepEqual(parts(row), ["WARN", "local2", "shop-1", "cart", "88"]);
          isNow(row);
        }
        // neither close() of the logger nor of the transport ends it: its socket is opened again
        transport.socket.removeAllListeners();
        if (transport.socket instanceof Socket) transport.socket.destroy();
        else transport.socket.close();
      });
  });
});

test("syslog-client", async (t) => {
  await withServer({}, async (server) => {
    for (const transport of ["Udp", "Tcp"] as const)
      for (const rfc3164 of [true, false])
        await t.test(`${transport}, RFC ${rfc3164 ? 3164 : 5424}`, async () => {
          const client = syslogClient.createClient("127.0.0.1", {
            port: server.logsPort, transport: syslogClient.Transport[transport], rfc3164, appName: "till", syslogHostname: "shop-2",
          });
          const message = `한 줄 by ${transport} ${rfc3164}`;
          client.log(rfc3164 ? `till: ${message}` : message, { facility: 16, severity: 2 });
          const row = await theRecord(server, message);
          assert.deepEqual(parts(row), ["CRIT", "local0", "shop-2", "till", rfc3164 ? undefined : `${process.pid}`]);
          isNow(row);
          client.close();
        });
  });
});

// Docker's `syslog` driver: docs.docker.com, "Syslog logging driver"; moby/moby,
// daemon/logger/syslog/syslog.go and RackSec/srslog, formatter.go and writer.go. The tag is the
// container's short id, or what --log-opt tag= makes; the process is dockerd. Standard output is INFO,
// standard error ERROR. Each message ends with LF, in datagrams too.
const stamp = (): string => { // Go's time.Stamp, local time
  const [, month, day, , time] = new Date().toString().split(" ") as [string, string, string, string, string];
  return `${month} ${day.replace(/^0/, " ")} ${time}`;
};
const dockerForms: { name: string; frame: (pri: number, tag: string, line: string) => string; host: boolean; msgid: boolean }[] = [
  { name: "no syslog-format", frame: (pri, tag, line) => `<${pri}>${stamp()} ${tag}[877]: ${line}\n`, host: false, msgid: false },
  { name: "rfc3164", frame: (pri, tag, line) => `<${pri}>${stamp()} ${hostname()} ${tag}[877]: ${line}\n`, host: true, msgid: false },
  {
    name: "rfc5424", host: true, msgid: true, // time.RFC3339
    frame: (pri, tag, line) => `<${pri}>1 ${new Date().toISOString().replace(/\.\d+Z/, "+00:00")} ${hostname()} ${tag} 877 ${tag} - ${line}\n`,
  },
  {
    name: "rfc5424micro", host: true, msgid: true,
    frame: (pri, tag, line) => `<${pri}>1 ${new Date().toISOString().replace("Z", "456+00:00")} ${hostname()} ${tag} 877 ${tag} - ${line}\n`,
  },
];
const dockerTags = ["0a1b2c3d4e5f", "shop/web-1", "123456789012"];

async function dockerSyslog(server: Server, send: (octets: string) => void, form: (typeof dockerForms)[0], by: string): Promise<void> {
  for (const tag of dockerTags) {
    const name = `${form.name} ${tag} by ${by}`;
    send(form.frame(30, tag, `out 한글 ${name}`));
    send(form.frame(27, tag, `err ${name}`));
    const out = await theRecord(server, `out 한글 ${name}`);
    assert.deepEqual([...parts(out), out.msgid], ["INFO", "daemon", form.host ? hostname() : undefined, tag, "877", form.msgid ? tag : undefined]);
    isNow(out);
    assert.equal((await theRecord(server, `err ${name}`)).level, "ERROR");
  }
}

test("Docker's syslog driver", async (t) => {
  await withServer({}, async (server) => {
    const udp = createSocket("udp4");
    const tcp = connect(server.logsPort, "127.0.0.1");
    await once(tcp, "connect");
    for (const form of dockerForms)
      await t.test(form.name, async () => {
        await dockerSyslog(server, (octets) => udp.send(octets, server.logsPort, "127.0.0.1"), form, "UDP");
        await dockerSyslog(server, (octets) => tcp.write(octets), form, "TCP");
      });
    udp.close();
    tcp.destroy();
  });
});

/** MessagePack of texts and maps of texts, as Go's msgp writes them: the shortest form. */
function pack(value: string | { [name: string]: string }): Buffer {
  if (typeof value !== "string")
    return Buffer.concat([Buffer.from([0x80 | Object.keys(value).length]), ...Object.entries(value).flat().map(pack)]);
  const octets = Buffer.from(value);
  const n = octets.length;
  const head = n < 32 ? [0xa0 | n] : n < 256 ? [0xd9, n] : [0xda, n >> 8, n & 255];
  return Buffer.concat([Buffer.from(head), octets]);
}

// Docker's `fluentd` driver without options: docs.docker.com, "Fluentd logging driver"; moby/moby,
// daemon/logger/fluentd/fluentd.go; fluent/fluent-logger-golang: [tag, seconds as int64, record, {}].
// A line over 16 KB comes in parts.
test("Docker's fluentd driver: whole seconds, no options, a line in parts", async () => {
  await withServer({ args: ["--forward", "127.0.0.1:0"] }, async (server) => {
    const socket = connect(server.port("forward"), "127.0.0.1");
    const time = Buffer.alloc(9);
    time[0] = 0xd3;
    time.writeBigInt64BE(1795197600n, 1);
    const send = (log: string, more: { [name: string]: string }) => socket.write(Buffer.concat([Buffer.from([0x94]), pack("docker.web"), time,
      pack({ container_id: "0a1b".repeat(16), container_name: "/web-1", source: "stderr", log, ...more }), Buffer.from([0x80])]));
    send("a whole line", { "com.example.team": "결제" });
    const whole = await theRecord(server, "a whole line");
    assert.deepEqual([whole.app, whole._time, whole["field.source"], whole["com.example.team"], whole.tag],
      ["web-1", "2026-11-20T18:00:00Z", "stderr", "결제", "docker.web"]);
    const line = Array.from({ length: 4000 }, (_, i) => `word${i}`).join(" ");
    for (let at = 0; at < line.length; at += 16384)
      send(line.slice(at, at + 16384), {
        partial_message: "true", partial_id: "f00", partial_ordinal: `${at / 16384 + 1}`, partial_last: `${at + 16384 >= line.length}`,
      });
    const rows = await eventually(() => server.query("partial_id:f00"), (all) => all.length === Math.ceil(line.length / 16384));
    rows.sort((a, b) => Number(a.partial_ordinal) - Number(b.partial_ordinal));
    assert.equal(rows.map((row) => row._msg).join(""), line);
    assert.deepEqual(rows.map((row) => row.partial_last), ["false", "false", "true"]);
    socket.destroy();
  });
});
