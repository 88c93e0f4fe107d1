// SPDX-License-Identifier: Apache-2.0
//
// 23_json.test.ts - JSON lines: what the loggers of Node write, by the ways in which it comes here;
// rows that go back in; more names than a segment has columns.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createSocket } from "node:dgram";
import { Writable } from "node:stream";
import { test } from "node:test";

import bunyan from "bunyan";
import pino from "pino";
import winston from "winston";

import { eventually, LineClient } from "./lib/client.js";
import { type Server, withServer } from "./lib/server.js";

type Row = Record<string, unknown>;

async function theRecord(server: Server, query: string): Promise<Row> {
  const rows = await eventually(() => server.query(query), (found) => found.length > 0);
  assert.equal(rows.length, 1, JSON.stringify(rows));
  return rows[0]!;
}

/** The time that the logger wrote is that of the record: it was now. */
function isNow(row: Row): void {
  assert.ok(Math.abs(Date.now() - Date.parse(row._time as string)) < 120_000, `time is ${row._time}`);
}

const parts = (row: Row) => [row._msg, row.level, row.host, row.app, row.pid];

test("pino, whose output is piped to nc", async () => {
  await withServer({}, async (server) => {
    const script = 'const log = require("pino")({ name: "shop" }); log.child({ order: { no: 17 } }).warn("결제 was slow"); log.fatal(new Error("gone"));';
    const out = spawnSync(process.execPath, ["-e", script]);
    assert.equal(out.status, 0, out.stderr.toString());
    assert.equal(spawnSync("nc", ["-N", "127.0.0.1", `${server.logsPort}`], { input: out.stdout }).status, 0);
    const row = await theRecord(server, "slow");
    const { hostname } = await import("node:os");
    assert.deepEqual(parts(row), ["결제 was slow", "WARN", hostname(), "shop", row.pid]);
    assert.equal(row["order.no"], 17);
    isNow(row);
    const fatal = await theRecord(server, "gone");
    assert.equal(fatal.level, "CRIT");
    assert.equal(fatal["err.type"], "Error");
    assert.match(fatal["err.stack"] as string, /^Error: gone\n/);
    assert.equal(server.count("level:WARN order.no:17"), 1);
  });
});

test("pino writes into a socket itself", async () => {
  await withServer({}, async (server) => {
    const socket = connect(server.logsPort, "127.0.0.1");
    await once(socket, "connect");
    const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, socket as unknown as pino.DestinationStream);
    for (let i = 0; i < 500; i++) log.info({ i, even: i % 2 === 0, ratio: i / 4 + 0.125, none: null }, `pino ${i}`);
    socket.end();
    await eventually(() => server.count("pino"), (n) => n === 500);
    const row = await theRecord(server, "i:7");
    assert.deepEqual([row._msg, row.level, row.i, row.even, row.ratio, row.none], ["pino 7", "INFO", 7, false, 1.875, null]);
  });
});

test("bunyan, over the Unix socket", async () => {
  await withServer({}, async (server) => {
    const socket = connect(server.socket("logs.sock"));
    await once(socket, "connect");
    const log = bunyan.createLogger({ name: "guard", stream: socket });
    log.error({ door: 3, open: true }, "the door is open");
    socket.end();
    const row = await theRecord(server, "door:3");
    const { hostname } = await import("node:os");
    assert.deepEqual(parts(row), ["the door is open", "ERROR", hostname(), "guard", `${process.pid}`]);
    assert.deepEqual([row.door, row.open, row.v], [3, true, 0]);
    isNow(row);
  });
});

test("winston, over TCP and in datagrams", async () => {
  await withServer({}, async (server) => {
    const udp = createSocket("udp4");
    const stream = new Writable({
      write: (line: Buffer, _encoding, done) => udp.send(line, server.logsPort, "127.0.0.1", () => done()),
    });
    const format = winston.format.combine(winston.format.timestamp(), winston.format.json());
    const log = winston.createLogger({ level: "silly", defaultMeta: { service: "cart" }, format,
      transports: [new winston.transports.Stream({ stream })] });
    log.warn("nearly empty", { items: 1 });
    log.http("GET /", { status: 200 });
    const row = await theRecord(server, "items:1");
    assert.deepEqual(parts(row), ["nearly empty", "WARN", undefined, "cart", undefined]);
    isNow(row);
    const http = await theRecord(server, "status:200");
    assert.deepEqual([http.level, http.level_text], [undefined, "http"]);
    udp.close();

    const socket = connect(server.logsPort, "127.0.0.1");
    await once(socket, "connect");
    socket.resume(); // an answer that nobody reads keeps it from closing
    const withErrors = winston.format.combine(winston.format.errors({ stack: true }), format);
    const tcp = winston.createLogger({ format: withErrors, transports: [new winston.transports.Stream({ stream: socket })] });
    tcp.error(new Error("by TCP"));
    tcp.info("by TCP too", { nested: { list: [1, "two"] } });
    const nested = await theRecord(server, "too");
    assert.equal(nested["nested.list"], '[1,"two"]');
    socket.end();
    await once(socket, "close");
    assert.match((await theRecord(server, 'level:ERROR "by TCP"')).stack as string, /^Error: by TCP\n/);
  });
});

test("who waits for an answer gets one, and what is no object is a plain line", async () => {
  await withServer({}, async (server) => {
    const client = await LineClient.open({ port: server.logsPort, host: "127.0.0.1" });
    for (const line of ['{"msg":"one","time":12,"time":13}', "{not JSON", '{"msg":"1969","_time":"1969-07-20T20:17:40Z"}']) {
      client.send(`${line}\n`);
      assert.equal(await client.line(), "ACK");
    }
    client.close();
    assert.deepEqual((await theRecord(server, "one")).time, 13);
    assert.equal((await theRecord(server, '"not JSON"'))._msg, "{not JSON");
    assert.equal((await theRecord(server, "1969")).claimed_time, "1969-07-20T20:17:40Z");
    const figures = Object.fromEntries((await stats(server)).map((f) => f.split("=")));
    assert.deepEqual([figures.json, figures.plain, figures.repeated_names], ["2", "1", "1"]);
  });
});

async function stats(server: Server): Promise<string[]> {
  const client = await LineClient.open({ port: server.queryPort, host: "127.0.0.1" });
  client.send("STATS\n");
  const line = await client.line();
  client.close();
  return line!.split("|").slice(1);
}

test("an object of 900 KB", async () => {
  await withServer({}, async (server) => {
    const client = await LineClient.open({ port: server.logsPort, host: "127.0.0.1" });
    const long = "한글 ".repeat(128 * 1024);
    client.send(`${JSON.stringify({ msg: long, size: long.length })}\n`);
    assert.equal(await client.line(), "ACK");
    client.send(`{${"x".repeat(100_000)}\n`);
    assert.equal(await client.line(), "ACK");
    client.close();
    assert.equal((await theRecord(server, `size:${long.length}`))._msg, long);
    const cut = await theRecord(server, "truncated:true");
    assert.equal((cut._msg as string).length, 65536);
  });
});

test("rows of one server are the same records on another", async () => {
  await withServer({}, async (from) => {
    const client = await LineClient.open({ port: from.logsPort, host: "127.0.0.1" });
    const lines = [
      '{"msg":"a","level":"warn","host":"h","service":"s","pid":7,"facility":"f","_space":"web","n":1,"f":1.5,"b":true,"z":null}',
      '{"msg":"b","field.level":"x","id":7,"received":1,"x_base64":"not","a":{"b":[1]},"time":3,"_time":"2026-01-02T03:04:05.678Z"}',
      '<34>1 2026-01-02T03:04:06Z web su 7 ID [a@1 level="3" message="m"] no',
      "LOG|LOUD|5|long ago",
      "plain \u0007 ERROR",
    ];
    for (const line of lines) client.send(`${line}\n`);
    client.send(Buffer.from([0x80, 0xff, 0x0a]));
    client.close();
    const rows = await eventually(() => from.query("NOT app:logcaster"), (found) => found.length === lines.length + 1);
    await withServer({}, async (to) => {
      const again = await LineClient.open({ port: to.logsPort, host: "127.0.0.1" });
      for (const row of rows) again.send(`${JSON.stringify(row)}\n`);
      again.close();
      const copies = await eventually(() => to.query("NOT app:logcaster"), (found) => found.length === rows.length);
      const known = (row: Row) => JSON.stringify(Object.entries({ ...row, id: 0, received: 0, source: 0 }).sort());
      assert.deepEqual(copies.map(known).sort(), rows.map(known).sort());
    });
  });
});

test("3,000 names in one segment, each found by its name", async () => {
  const names = 3000;
  const perRecord = 10;
  const finds = (server: Server) => {
    for (const n of [0, 7, 999, 1000, 1001, 1500, 2345, 2999]) {
      const rows = server.query(`name${n}:value${n}`);
      assert.equal(rows.length, 1, `name${n}`);
      assert.equal(rows[0]![`name${n}`], `value${n}`);
      assert.equal(rows[0]![`number${n}`], n);
      assert.equal(server.count(`number${n}:${n}`), 1);
      assert.equal(server.count(`name${n}:value${n + 1}`), 0);
    }
  };
  const { makeDataDir, Server } = await import("./lib/server.js");
  const data = makeDataDir();
  await withServer({ data }, async (server) => {
    const client = await LineClient.open({ port: server.logsPort, host: "127.0.0.1" });
    for (let first = 0; first < names; first += perRecord) {
      const record: Row = { msg: `names from ${first}`, level: "info" };
      for (let n = first; n < first + perRecord; n++) {
        record[`name${n}`] = `value${n}`;
        record[`number${n}`] = n;
      }
      client.send(`${JSON.stringify(record)}\n`);
    }
    client.close();
    await eventually(() => server.count('"names from"'), (n) => n === names / perRecord);
    finds(server);
  });
  // a start seals what was in memory: now all of it is in a segment
  const server = await Server.start({ data });
  try {
    await eventually(async () => Number(Object.fromEntries((await stats(server)).map((f) => f.split("="))).store_segments), (n) => n > 0);
    finds(server);
  } finally {
    await server.stop();
    (await import("node:fs")).rmSync(data, { recursive: true, force: true });
  }
});
