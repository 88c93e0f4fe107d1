// SPDX-License-Identifier: Apache-2.0
//
// 04_senders.test.ts - the real programs that send logs: util-linux logger, rsyslog, nc, socat;
// over TCP, UDP and Unix sockets, IPv4 and IPv6.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { eventually } from "./lib/client.js";
import { exec, theRecord } from "./lib/programs.js";
import { type Server, withServer } from "./lib/server.js";

const loggerForms: { name: string; args: (server: Server) => string[]; host: boolean }[] = [
  { name: "TCP, RFC 5424", args: (s) => ["--server", "127.0.0.1", "--port", `${s.logsPort}`, "--tcp", "--rfc5424"], host: true },
  { name: "TCP, RFC 3164", args: (s) => ["--server", "127.0.0.1", "--port", `${s.logsPort}`, "--tcp", "--rfc3164"], host: true },
  { name: "TCP, octet-counted", args: (s) => ["--server", "127.0.0.1", "--port", `${s.logsPort}`, "--tcp", "--octet-count", "--rfc5424"], host: true },
  { name: "UDP, RFC 5424", args: (s) => ["--server", "127.0.0.1", "--port", `${s.logsPort}`, "--udp", "--rfc5424"], host: true },
  { name: "UDP, RFC 3164", args: (s) => ["--server", "127.0.0.1", "--port", `${s.logsPort}`, "--udp", "--rfc3164"], host: true },
  { name: "TCP over IPv6", args: (s) => ["--server", "::1", "--port", `${s.logsPort}`, "--tcp", "--rfc5424"], host: true },
  { name: "UDP over IPv6", args: (s) => ["--server", "::1", "--port", `${s.logsPort}`, "--udp", "--rfc5424"], host: true },
  { name: "Unix datagram", args: (s) => ["--socket", s.socket("logs.dgram")], host: false },
  { name: "Unix stream", args: (s) => ["--socket", s.socket("logs.sock")], host: false },
];

test("logger, in each of its forms", async (t) => {
  await withServer({}, async (server) => {
    for (const [index, form] of loggerForms.entries())
      await t.test(form.name, async () => {
        const message = `로그 message number ${index} of logger`;
        exec("logger", [...form.args(server), "--priority", "auth.warning", "--tag", "doorman", "--id=4711", message]);
        const row = await theRecord(server, message);
        assert.equal(row.level, "WARN");
        assert.equal(row.facility, "auth");
        assert.equal(row.app, "doorman");
        assert.equal(row.pid, "4711");
        assert.equal(row.host !== undefined, form.host);
        assert.ok(Math.abs(Date.now() - Date.parse(row._time as string)) < 120_000, `time is ${row._time}`);
      });
  });
});

test("nc over TCP and UDP", async () => {
  await withServer({}, async (server) => {
    exec("nc", ["-N", "127.0.0.1", `${server.logsPort}`], "one line of nc\ntwo lines of nc\n");
    exec("nc", ["-u", "-w", "1", "127.0.0.1", `${server.logsPort}`], "a datagram of nc");
    await theRecord(server, "one line of nc");
    await theRecord(server, "two lines of nc");
    const row = await theRecord(server, "a datagram of nc");
    assert.match(row.source as string, /^127\.0\.0\.1:\d+$/);
  });
});

test("socat over Unix stream and datagram", async () => {
  await withServer({}, async (server) => {
    exec("socat", ["-u", "-", `UNIX-CONNECT:${server.socket("logs.sock")}`], "<14>Nov 20 18:00:00 gate relay[7]: by stream\n");
    exec("socat", ["-u", "-", `UNIX-SENDTO:${server.socket("logs.dgram")}`], "by datagram");
    const row = await theRecord(server, "by stream");
    assert.deepEqual([row.host, row.app, row.pid, row.level, row.facility], ["gate", "relay", "7", "INFO", "user"]);
    assert.match((await theRecord(server, "by datagram")).source as string, /^unix:\d+$/);
  });
});

interface Forward {
  name: string;
  options: string;
}

const forwards: Forward[] = [
  { name: "newlines, RFC 3164", options: 'protocol="tcp" TCP_Framing="traditional" template="RSYSLOG_TraditionalForwardFormat"' },
  { name: "newlines, ISO times", options: 'protocol="tcp" TCP_Framing="traditional" template="RSYSLOG_ForwardFormat"' },
  { name: "octet-counted, RFC 5424", options: 'protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"' },
  { name: "UDP, RFC 5424", options: 'protocol="udp" template="RSYSLOG_SyslogProtocol23Format"' },
];

async function forward(server: Server, how: Forward): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "rsyslog-"));
  const socket = join(folder, "in.sock");
  const config = join(folder, "rsyslog.conf");
  writeFileSync(config, `
global(workDirectory="${folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${socket}" CreatePath="on" RateLimit.Interval="0")
action(type="omfwd" target="127.0.0.1" port="${server.logsPort}" ${how.options})
`);
  const rsyslogd = spawn("rsyslogd", ["-n", "-f", config, "-i", join(folder, "pid")], { stdio: "ignore" });
  try {
    const count = 200;
    // rsyslogd loses what comes while it starts: wait until something has come through
    const probe = ["--socket", socket, "--tag", "probe", `rsyslog is up, ${how.name}`];
    await eventually(() => spawnSync("logger", probe).status === 0 && server.count(`app:probe "${how.name}"`) > 0, (up) => up);
    for (let i = 0; i < count; i++)
      exec("logger", ["--socket", socket, "--tag", "forwarded", "--id=99", "--priority", "daemon.err", `${how.name}: 전달 ${i}.`]);
    const rows = await eventually(() => server.query(`app:forwarded "${how.name}"`), (found) => found.length >= count);
    assert.equal(rows.length, count);
    // rsyslog's RFC 5424 template keeps the space that stood behind the tag: part of the message
    assert.deepEqual(new Set(rows.map((row) => (row._msg as string).trimStart())), new Set(Array.from({ length: count }, (_, i) => `${how.name}: 전달 ${i}.`)));
    for (const row of rows) assert.deepEqual([row.level, row.facility, row.pid], ["ERROR", "daemon", "99"]);
  } finally {
    rsyslogd.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

test("rsyslog omfwd", async (t) => {
  await withServer({}, async (server) => {
    for (const how of forwards) await t.test(how.name, () => forward(server, how));
  });
});
