// SPDX-License-Identifier: Apache-2.0
//
// 16_sockets.test.ts - socket options by their names, what the kernel made of them, and the list of a
// server's sockets.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { makeDataDir, run, type Server, withServer } from "./lib/server.js";

type Row = Record<string, string | number>;

function sockets(server: Server, ...args: string[]): Row[] {
  const done = run(["sockets", "--self", "--server", server.queryAddress, "-o", "json", ...args]);
  assert.equal(done.code, 0, done.stderr);
  return done.stdout.toString().trimEnd().split("\n").map((line) => JSON.parse(line) as Row);
}

const options = ["--logs-socket", "TCP_CONGESTION=reno", "--logs-socket", "SO_RCVBUF=64K", "--logs-socket", "backlog=17",
  "--logs-socket", "TCP_NODELAY=off", "--query-socket", "TCP_KEEPIDLE=2m"];

for (const io of ["epoll", "io_uring", "poll", "select"])
  test(`options are set, inherited, and listed: ${io}`, async () => {
    await withServer({ args: ["--io", io, ...options] }, async (server) => {
      const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
      client.send("PING\n");
      assert.equal(await client.line(), "PONG");
      const rows = sockets(server);
      const find = (service: string, kind: string, transport = "tcp"): Row => {
        const found = rows.find((row) => row.service === service && row.kind === kind && row.transport === transport);
        assert.ok(found, `${service} ${kind} ${transport}`);
        return found;
      };
      assert.equal(find("logs", "listener").backlog, 17);
      assert.equal(find("query", "listener").backlog, 4096);
      const logs = find("logs", "connection");
      assert.equal(logs.TCP_CONGESTION, "reno");
      assert.equal(logs.SO_RCVBUF, "128K");
      assert.equal(logs.TCP_NODELAY, "off");
      assert.equal(logs.TCP_KEEPIDLE, "1m");
      assert.deepEqual([logs.received, logs.sent, logs.bytes_received, logs.protocol, logs.state], [5, 5, 5, "lines", "ESTABLISHED"]);
      assert.equal(find("query", "connection").TCP_KEEPIDLE, "2m");
      assert.equal(find("logs", "datagrams", "udp").SO_RCVBUF, "128K");
      assert.equal(find("logs", "datagrams", "unixgram").SO_PASSCRED, "on");
      client.close();
    });
  });

test("the table is for people", async () => {
  await withServer({}, async (server) => {
    const table = run(["sockets", "--self", "--server", server.queryAddress]).stdout.toString();
    assert.match(table, /^service +kind +address +protocol +age +in +out +queue +state +rtt +retrans +cwnd +congestion +drops\n/);
    assert.match(table, /\nlogs +listen +\S+:\d+ .*0\/\d+ +LISTEN /);
    assert.match(table, /\nquery +in +127\.0\.0\.1:\d+ +lines .*ESTABLISHED /);
    assert.match(run(["sockets", "--self", "--options", "--server", server.queryAddress]).stdout.toString(), /SO_KEEPALIVE=on TCP_KEEPIDLE=1m/);
  });
});

test("what the kernel did otherwise is told in the own log", async () => {
  await withServer({ args: ["--logs-socket", "SO_SNDBUF=64K"] }, async (server) => {
    const log = await eventually(async () => server.log, (text) => text.includes("socket.option"));
    assert.match(log, /INFO +socket\.option address=\S+:\d+ option=SO_SNDBUF asked=64K got=128K why="Linux doubles it, for its own use"/);
  });
});

const mistakes: [string, RegExp][] = [
  ["SO_NOSUCH=1", /SO_NOSUCH: no such socket option; docs\/sockets\.md lists them/],
  ["SO_KEEPALIVE=perhaps", /SO_KEEPALIVE=perhaps: must be on or off/],
  ["TCP_KEEPCNT=900", /TCP_KEEPCNT=900: must be from 1 to 127/],
  ["TCP_CONGESTION=nosuch", /TCP_CONGESTION=nosuch: .*; this kernel has: .*reno/],
  ["SO_RCVTIMEO=30s", /SO_RCVTIMEO cannot be set: sockets here never block/],
];
for (const [option, text] of mistakes)
  test(`a mistake is explained: --logs-socket ${option}`, () => {
    const done = run(["serve", "--data", makeDataDir(), "--logs", "127.0.0.1:0", "--query", "127.0.0.1:0", "--logs-socket", option]);
    assert.equal(done.code, 2);
    assert.match(done.stderr, text);
  });

test("in the file they are a map", () => {
  const file = join(makeDataDir(), "c.yaml");
  writeFileSync(file, "logs:\n  socket: {SO_RCVBUF: 1M, TCP_NODELAY: off}\nquery:\n  socket: {SO_LINGER: 5s}\n");
  const done = run(["check-config", file]);
  assert.equal(done.code, 2);
  assert.match(done.stderr, /c\.yaml:4:\d+: query\.socket: SO_LINGER=5s: must be off, or 0/);
});
