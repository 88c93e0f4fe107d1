// SPDX-License-Identifier: Apache-2.0
//
// 20_packets.test.ts - length-prefixed frames and binary v1, against the real binary.

import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { frame, logPayload, OctetClient, packet } from "./lib/octets.js";
import { type Server, withServer } from "./lib/server.js";

const logs = (server: Server): Promise<OctetClient> => OctetClient.open({ host: "127.0.0.1", port: server.logsPort });
const asking = (server: Server): Promise<OctetClient> => OctetClient.open({ host: "127.0.0.1", port: server.queryPort });

async function stats(server: Server): Promise<Map<string, string>> {
  const client = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
  client.send("STATS\n");
  const line = (await client.line()) ?? "";
  client.close();
  return new Map(line.split("|").slice(1).map((pair) => pair.split("=", 2) as [string, string]));
}

test("frames keep what lines cannot", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    const trace = "Traceback:\n  File \"a.py\", line 1\nZeroDivisionError";
    client.send(frame(trace), frame("LOG|ERROR|1640995200|two\nlines"), frame("<11>app: three\n lines"),
      frame("LOG:x:INFO:no"), frame(""), frame("PING"), frame("QUERY|LAST|1"));
    assert.equal(await client.frame(), "ACK");
    assert.equal(await client.frame(), "ACK");
    assert.equal(await client.frame(), "ACK");
    assert.equal(await client.frame(), "ERROR:the time is not unix seconds");
    assert.equal(await client.frame(), "ERROR:the frame is empty");
    assert.equal(await client.frame(), "PONG");
    assert.match((await client.frame()) ?? "", /^ERROR:here logs are taken/);

    // one octet over the limit is refused, and the next frame is read again
    client.send(frame("x".repeat((1 << 20) + 1)), frame("y".repeat(1 << 20)));
    assert.equal(await client.frame(), "ERROR:frame is longer than 1048576 octets");
    assert.equal(await client.frame(), "ACK");
    client.send(frame("QUIT"));
    assert.equal(await client.frame(), undefined);
    client.close();

    assert.equal(server.query('"Traceback"')[0]!._msg, trace);
    assert.equal(server.query("level:ERROR two")[0]!._msg, "two\nlines");
    assert.equal(server.query("app:app")[0]!._msg, "three\n lines");
    assert.equal(server.count("NOT app:logcaster"), 4);
    const figures = await stats(server);
    assert.equal(figures.get("sessions_frames"), "1");
    assert.equal(figures.get("frames"), "9");
    assert.equal(figures.get("too_long"), "1");
  });
});

test("what is no frame any more ends the connection, and what came before is kept", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    client.send(frame("kept"), "then lines\n");
    assert.equal(await client.frame(), "ACK");
    assert.match((await client.frame()) ?? "", /^ERROR:/);
    assert.equal(await client.frame(), undefined);
    client.close();
    assert.equal(server.count("kept"), 1);
    assert.equal(server.count("NOT app:logcaster"), 1);
    await eventually(() => server.log, (log) => /collect\.broken.*does not begin with 00/.test(log)); // written by a thread of its own
    assert.equal((await stats(server)).get("broken"), "1");
  });
});

test("binary v1: records, each with its id; questions elsewhere", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    client.send(packet(3, 1), packet(1, 2, logPayload(5, 1640995200, "Database connection failed")),
      packet(1, 0xffffffff, logPayload(255, 0, Buffer.from([0, 10, 255]))), packet(1, 4, logPayload(9, 0, "loud")),
      packet(1, 5, "short"), packet(9, 6), packet(2, 7, "*"), packet(4, 8));
    assert.deepEqual(await client.packet(), { command: 0x83, sequence: 1, status: 0, rest: Buffer.alloc(0) });
    const ids: bigint[] = [];
    for (const sequence of [2, 0xffffffff, 4]) {
      const answer = await client.packet();
      assert.deepEqual([answer.command, answer.sequence, answer.status], [0x81, sequence, 0]);
      ids.push(answer.rest.readBigUInt64BE(0));
    }
    assert.ok(ids[0]! < ids[1]! && ids[1]! < ids[2]!);
    for (const [command, sequence, reason] of [[0x81, 5, /^expected level u8/], [0x89, 6, /^unknown command/],
      [0x82, 7, /^here logs are taken/], [0x84, 8, /^here logs are taken/]] as [number, number, RegExp][]) {
      const answer = await client.packet();
      assert.deepEqual([answer.command, answer.sequence, answer.status], [command, sequence, 2]);
      assert.match(answer.rest.toString(), reason);
    }
    client.close();

    const [first] = server.query('"Database connection failed"');
    assert.deepEqual([first!.id, first!.level, first!._time], [`${ids[0]}`, "ERROR", "2022-01-01T00:00:00Z"]);
    assert.equal(server.query("loud")[0]!.level_text, "9");
    assert.equal(server.count("NOT app:logcaster"), 3);
  });
});

test("binary v1: a question is answered in packets", async () => {
  await withServer({}, async (server) => {
    const sender = await logs(server);
    const n = 3000;
    const long = "many octets ".repeat(20);
    for (let i = 0; i < n; i++) sender.send(packet(1, i, logPayload(2, 1640995200 + i, `record ${i} ${long}`)));
    for (let i = 0; i < n; i++) assert.equal((await sender.packet()).sequence, i);
    sender.close();

    const client = await asking(server);
    client.send(packet(2, 1, "record"), packet(3, 2), packet(2, 3, "level:LOUD"), packet(2, 4, "record | limit 1"),
      packet(4, 5), packet(1, 6, logPayload(2, 0, "no")));
    let rows = "";
    let packets = 0;
    for (let answer = await client.packet(); ; answer = await client.packet()) {
      assert.deepEqual([answer.command, answer.sequence], [0x82, 1]);
      if (answer.status === 0) break;
      assert.equal(answer.status, 1);
      rows += answer.rest.toString();
      packets++;
    }
    assert.ok(packets > 1);
    const lines = rows.trimEnd().split("\n");
    assert.equal(lines.length, n);
    assert.match(lines[0]!, /^\d+\|INFO\|1640995200\|record 0 many/);
    assert.equal((await client.packet()).command, 0x83);
    const none = await client.packet();
    assert.deepEqual([none.sequence, none.status], [3, 2]);
    assert.match(none.rest.toString(), /LOUD/);
    assert.match((await client.packet()).rest.toString(), /^\d+\|INFO\|\d+\|record \d+ .*\n$/);
    assert.deepEqual(await client.packet(), { command: 0x82, sequence: 4, status: 0, rest: Buffer.alloc(0) });
    const figures = await client.packet();
    assert.deepEqual([figures.command, figures.sequence, figures.status], [0x84, 5, 0]);
    assert.match(figures.rest.toString(), /^version=.*\n(.*\n)*binary1=3000\n/m);
    const refused = await client.packet();
    assert.deepEqual([refused.command, refused.sequence, refused.status], [0x81, 6, 2]);
    client.close();
  });
});
