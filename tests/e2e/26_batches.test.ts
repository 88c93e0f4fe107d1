// SPDX-License-Identifier: Apache-2.0
//
// 26_batches.test.ts - binary v2 against the real server: each record is stored once, whatever is
// sent again, by whom, and whatever is killed.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";

import { BATCH, BatchClient, DOUBTED, HELLO, message, records, type Row, STORED, ZSTD, zstdFrame } from "./lib/batches.js";
import { LineClient } from "./lib/client.js";
import { makeDataDir, Server, withServer } from "./lib/server.js";

function sender(n: number): Buffer {
  return Buffer.alloc(16, n);
}

function rows(from: number, to: number, text = "record"): Row[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({ sequence: from + i, message: `${text} ${from + i}` }));
}

test("a record arrives as it was", async () => {
  await withServer({}, async (server) => {
    const client = await BatchClient.open(server.logsPort);
    assert.equal(await client.hello(sender(1)), 0);
    client.batch([{
      sequence: 7, message: "two\nlines", level: 5, timeNs: 1640995200_250000000n, space: "shop", host: "web-1",
      app: "nginx", facility: "local4", pid: "812", source: "192.0.2.7:51514",
      fields: [["status", 1, "500"], ["path", 0, "/가"]],
    }, { sequence: 9, message: "bare" }, { sequence: 10, message: "ahead", timeNs: 1n << 62n }]);
    assert.equal(await client.storedUpTo(10), true);
    const found = server.query("NOT app:logcaster");
    assert.equal(found.length, 3);
    const row = found.find((r) => r._msg === "two\nlines")!;
    assert.equal(row._time, "2022-01-01T00:00:00.250000000Z");
    for (const [name, value] of Object.entries({
      level: "ERROR", space: "shop", host: "web-1", app: "nginx", facility: "local4", pid: "812",
      source: "192.0.2.7:51514", status: 500, path: "/가",
    })) assert.deepEqual(row[name], value, name);
    const bare = found.find((r) => r._msg === "bare")!;
    assert.equal(bare.space, "main");
    assert.match(String(bare.source), /^127\.0\.0\.1:\d+$/);
    assert.equal(bare._time, bare.received);
    assert.ok(found.find((r) => r._msg === "ahead")!.claimed_time);
    client.close();
  });
});

test("what is sent again is not stored again", async () => {
  await withServer({}, async (server) => {
    for (let id = 1; id <= 8; id++) { // so that both workers have some
      const client = await BatchClient.open(server.logsPort);
      assert.equal(await client.hello(sender(id)), 0);
      client.batch(rows(1, 10));
      assert.equal(await client.storedUpTo(10), true);
      client.batch(rows(1, 10));
      const answer = await client.answer();
      assert.equal(answer?.command, STORED);
      client.batch(rows(6, 15));
      assert.equal(await client.storedUpTo(15), true);
      client.close();
      const again = await BatchClient.open(server.logsPort);
      assert.equal(await again.hello(sender(id)), 15);
      again.batch(rows(11, 20));
      assert.equal(await again.storedUpTo(20), true);
      again.close();
    }
    assert.equal(server.count("record"), 8 * 20);
    const stats = await LineClient.open({ port: server.queryPort, host: "127.0.0.1" });
    stats.send("STATS\n");
    const figures = new Map((await stats.line())!.split("|").map((f) => f.split("=") as [string, string]));
    assert.equal(figures.get("stored_before"), String(8 * 20));
    assert.equal(figures.get("binary2"), String(8 * 40));
    assert.equal(figures.get("batches"), String(8 * 4));
    assert.ok(Number(figures.get("handed_over")) > 0);
    stats.close();
  });
});

test("a later epoch begins anew, an earlier one is refused", async () => {
  await withServer({}, async (server) => {
    const client = await BatchClient.open(server.logsPort);
    await client.hello(sender(1), 5);
    client.batch(rows(1, 3));
    assert.equal(await client.storedUpTo(3), true);
    assert.equal(await client.hello(sender(1), 6), 0);
    client.batch(rows(1, 2, "again"));
    assert.equal(await client.storedUpTo(2), true);
    const old = await BatchClient.open(server.logsPort);
    await assert.rejects(old.hello(sender(1), 5), /5 a later epoch/);
    assert.equal(await old.answer(), undefined);
    old.close();
    client.close();
    assert.equal(server.count("record OR again"), 5);
  });
});

test("a newer connection of the same sender fences the older one", async () => {
  await withServer({}, async (server) => {
    const older = await BatchClient.open(server.logsPort);
    await older.hello(sender(3));
    older.batch(rows(1, 500));
    const newer = await BatchClient.open(server.logsPort);
    const upto = await newer.hello(sender(3));
    assert.ok(upto === 0 || upto === 500, String(upto));
    newer.batch(rows(1, 1000));
    older.batch(rows(501, 600, "late"));
    assert.equal(await newer.storedUpTo(1000), true);
    let last = "";
    for (let answer = await older.answer(); answer !== undefined; answer = await older.answer())
      last = answer.command === STORED ? last : `${answer.payload.readUInt8(0)}`;
    assert.equal(last, "3");
    assert.equal(server.count("record"), 1000);
    assert.equal(server.count("late"), 0);
    older.close();
    newer.close();
  });
});

test("compressed, and doubted", async () => {
  await withServer({}, async (server) => {
    const client = await BatchClient.open(server.logsPort);
    await client.hello(sender(4));
    client.send(BATCH, ZSTD, zstdFrame(records(rows(1, 5000))));
    client.batch(rows(5001, 5002, "perhaps"), DOUBTED);
    assert.equal(await client.storedUpTo(5002), true);
    assert.equal(server.count("record"), 5000);
    const doubted = server.query("perhaps");
    assert.deepEqual(doubted.map((r) => [r.sender, r.sequence]).sort(),
      [["04".repeat(16), 5001], ["04".repeat(16), 5002]]);
    client.close();
  });
});

test("what is wrong is told, and ends the connection; what came before is kept", async () => {
  const hello = message(HELLO, 0, 1, Buffer.concat([sender(9), Buffer.alloc(8, 1), Buffer.from("x")]));
  const bad = message(BATCH, 0, 2, records(rows(1, 1)));
  bad[17]! ^= 1;
  const tooLong = Buffer.from(hello);
  tooLong.writeUInt32BE((8 << 20) + 1, 4);
  const bomb = zstdFrame(records(rows(1, 1)));
  bomb.writeUInt32LE(64 << 20, 5);
  const cases: [Buffer[], RegExp][] = [
    [[message(BATCH, 0, 1, records(rows(1, 1)))], /^2 a BATCH came before HELLO$/],
    [[bad], /^1 a checksum is wrong$/],
    [[tooLong], /^1 a payload is longer than 8 MiB$/],
    [[message(HELLO, 0, 1, Buffer.alloc(3))], /^1 HELLO is not well-formed$/],
    [[message(STORED, 0, 1, Buffer.alloc(8))], /^1 only HELLO and BATCH are taken here$/],
    [[hello, message(BATCH, 0, 2, Buffer.from("nonsense, and long enough"))], /^1 a BATCH is not well-formed$/],
    [[hello, message(BATCH, ZSTD, 2, bomb)], /^1 a BATCH is not well-formed$/],
    [[hello, message(BATCH, 0, 2, records(rows(1, 2, "kept"))), Buffer.from("GET / HTTP/1.1\r\n\r\n")],
      /^1 a message does not begin with version 2$/],
  ];
  await withServer({}, async (server) => {
    for (const [parts, expected] of cases) {
      const client = await BatchClient.open(server.logsPort);
      client.socket.write(parts[0]!);
      if (parts.length > 1) assert.equal((await client.answer())?.command, 0x85);
      for (const part of parts.slice(1)) client.socket.write(part);
      let answer = await client.answer();
      while (answer?.command === STORED) answer = await client.answer();
      assert.match(`${answer?.payload.readUInt8(0)} ${answer?.payload.subarray(1)}`, expected);
      let rest = await client.answer();
      while (rest?.command === STORED) rest = await client.answer();
      assert.equal(rest, undefined);
      client.close();
    }
    assert.equal(server.count("kept"), 2);
    assert.equal(server.count("NOT app:logcaster"), 2);
  });
});

test("a record that can never be stored does not stop its sender", async () => {
  await withServer({}, async (server) => {
    const client = await BatchClient.open(server.logsPort);
    await client.hello(sender(5));
    client.batch([{ sequence: 1, message: "first" }, { sequence: 2, message: Buffer.alloc(3 << 20, 0x61) },
      { sequence: 3, message: "third" }]);
    assert.equal(await client.storedUpTo(3), true);
    client.batch([{ sequence: 4, message: Buffer.alloc(3 << 20, 0x61) }]);
    assert.equal(await client.storedUpTo(4), true);
    assert.equal(server.count("first OR third"), 2);
    client.close();
    const again = await BatchClient.open(server.logsPort);
    assert.equal(await again.hello(sender(5)), 4);
    again.close();
  });
});

/** Sends 1..total as a careful sender does: on from what is stored, batches without waiting, again
 *  after each loss. */
async function sendAll(port: () => number, id: number, total: number): Promise<boolean> {
  let interrupted = false;
  for (let stored = 0; stored < total;) {
    let client: BatchClient | undefined;
    try {
      client = await BatchClient.open(port());
      stored = await client.hello(sender(id));
      for (let at = stored + 1; at <= total; at += 100) client.batch(rows(at, Math.min(total, at + 99), `s${id}`));
      if (stored < total && await client.storedUpTo(total)) stored = total;
    } catch {
      await new Promise((resolve) => setImmediate(resolve)); // it is down: until it is up again
    }
    interrupted ||= stored < total;
    client?.close();
  }
  return interrupted;
}

test("killed in the middle of batches for 20 rounds, the counts agree exactly", async () => {
  const data = makeDataDir();
  const perRound = 1000, senders = 4, rounds = 20;
  let server = await Server.start({ data, args: ["--workers", "2"] });
  let interrupted = 0;
  for (let round = 1; round <= rounds; round++) {
    const done = Promise.all(Array.from({ length: senders }, (_, i) =>
      sendAll(() => server.logsPort, i + 1, round * perRound)));
    /* not at once, but in the middle: when something of this round is durable */
    const watch = await BatchClient.open(server.logsPort);
    await watch.hello(sender(100 + round));
    watch.batch(rows(1, 1 + round % 7, "watch"));
    await watch.storedUpTo(1);
    watch.close();
    await server.signal("SIGKILL");
    server = await Server.start({ data, args: ["--workers", String(1 + round % 3)] });
    interrupted += (await done).filter((was) => was).length;
  }
  assert.ok(interrupted > 0, "else the kills came too late to show anything");
  for (let id = 1; id <= senders; id++) {
    const numbers = server.query(`s${id}`).map((r) => Number(String(r._msg).split(" ")[1])).sort((a, b) => a - b);
    assert.equal(numbers.length, rounds * perRound, `sender ${id}`);
    assert.ok(numbers.every((n, i) => n === i + 1), `sender ${id} has each number once`);
  }
  await server.stop();
  rmSync(data, { recursive: true, force: true });
});
