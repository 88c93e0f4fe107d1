// SPDX-License-Identifier: Apache-2.0
//
// 24_forward.test.ts - Fluentd's forward protocol: the clients of npm in each of its forms, with
// acknowledgements, a server that is killed, and what Docker's driver sends.

import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { EventTime, FluentClient } from "@fluent-org/logger";
import fluentLogger from "fluent-logger";

import { eventually } from "./lib/client.js";
import { makeDataDir, Server, withServer } from "./lib/server.js";

type Row = Record<string, unknown>;

const forward = ["--forward", "127.0.0.1:0"];

async function theRecord(server: Server, query: string): Promise<Row> {
  const rows = await eventually(() => server.query(query), (found) => found.length > 0);
  assert.equal(rows.length, 1, JSON.stringify(rows));
  return rows[0]!;
}

const modes = ["Message", "Forward", "PackedForward", "CompressedPackedForward"] as const;

test("@fluent-org/logger, each form, acknowledged", async (t) => {
  await withServer({ args: forward }, async (server) => {
    for (const eventMode of modes)
      await t.test(eventMode, async () => {
        const client = new FluentClient("shop", {
          eventMode, ack: {}, socket: { host: "127.0.0.1", port: server.port("forward"), timeout: 30_000 },
        });
        const time = new EventTime(1795197600, 123456789);
        const sent = Array.from({ length: 50 }, (_, i) =>
          client.emit("cart", { message: `${eventMode} 주문 ${i}`, level: "warn", n: i, deep: { list: [i], none: null } }, time));
        await Promise.all(sent); // acknowledged: durable, and so found
        const rows = server.query(`app:shop.cart ${eventMode} | limit 100`);
        assert.equal(rows.length, 50);
        const row = rows.find((r) => r.n === 7)!;
        assert.deepEqual([row._msg, row.level, row._time, row.tag, row["deep.list"], row["deep.none"]],
          [`${eventMode} 주문 7`, "WARN", "2026-11-20T18:00:00.123456789Z", "shop.cart", "[7]", null]);
        await client.shutdown();
      });
  });
});

test("fluent-logger, with and without acknowledgements", async (t) => {
  await withServer({ args: forward }, async (server) => {
    for (const requireAckResponse of [false, true])
      await t.test(`requireAckResponse: ${requireAckResponse}`, async () => {
        const sender = fluentLogger.createFluentSender("old", {
          host: "127.0.0.1", port: server.port("forward"), timeout: 30, requireAckResponse,
          eventMode: requireAckResponse ? "PackedForward" : "Message",
        });
        const errors: unknown[] = [];
        (sender as unknown as NodeJS.EventEmitter).on("error", (e: unknown) => errors.push(e));
        for (let i = 0; i < 100; i++) sender.emit("app", { log: `ack=${requireAckResponse} ${i}`, severity: 3 });
        await new Promise<void>((resolve) => sender.end("app", { log: "the last" }, () => resolve()));
        await eventually(() => server.count(`"ack=${requireAckResponse}"`), (n) => n === 100);
        const row = await theRecord(server, `"ack=${requireAckResponse} 42"`);
        assert.deepEqual([row.level, row.app, row.tag], ["ERROR", "old.app", "old.app"]);
        assert.deepEqual(errors, []);
      });
  });
});

test("over a Unix socket", async () => {
  const data = makeDataDir();
  const path = join(data, "fluent.sock");
  await withServer({ data, args: ["--forward", `unix:${path}`] }, async (server) => {
    const client = new FluentClient("local", { ack: {}, socket: { path } });
    await client.emit({ msg: "by path" });
    assert.equal((await theRecord(server, "path"))._msg, "by path");
    await client.shutdown();
  });
  rmSync(data, { recursive: true, force: true });
});

/** Reads until so many octets have come. */
async function read(socket: Socket, octets: number): Promise<Buffer> {
  let got = Buffer.alloc(0);
  while (got.length < octets) got = Buffer.concat([got, (await once(socket, "data"))[0] as Buffer]);
  return got;
}

const str = (s: string) => Buffer.concat([Buffer.from([0xda, s.length >> 8, s.length & 0xff]), Buffer.from(s)]);
const bin = (s: string) => Buffer.concat([Buffer.from([0xc4, s.length]), Buffer.from(s)]);

// As docs.docker.com, "Fluentd logging driver", and its source have it: Message form, EventTime
// with sub-second precision, options with a chunk where fluentd-request-ack is on.
function docker(line: string, partial: boolean, chunk?: string): Buffer {
  const members: [string, Buffer][] = [
    ["container_id", str("0123456789abcdef")], ["container_name", str("/web-1")], ["source", str("stdout")], ["log", str(line)],
    ...(partial ? [["partial_message", str("true")], ["partial_id", str("p1")], ["partial_ordinal", str("1")], ["partial_last", str("false")]] as [string, Buffer][] : []),
  ];
  const time = Buffer.from([0xd7, 0, 0x6b, 0x00, 0x89, 0x20, 0, 0, 0, 1]);
  const record = Buffer.concat([Buffer.from([0x80 | members.length]), ...members.flatMap(([k, v]) => [str(k), v])]);
  const option = chunk === undefined ? Buffer.from([0xc0]) : Buffer.concat([Buffer.from([0x81]), str("chunk"), str(chunk)]);
  return Buffer.concat([Buffer.from([0x94]), str("0123456789ab"), time, record, option]);
}

test("Docker's driver", async () => {
  await withServer({ args: forward }, async (server) => {
    const socket = connect(server.port("forward"), "127.0.0.1");
    socket.write(docker("GET / 200", false));
    socket.write(docker("x".repeat(16384), true));
    socket.write(docker("with a chunk", false, "YWJj"));
    const ack = await read(socket, 11);
    assert.deepEqual(ack, Buffer.concat([Buffer.from([0x81, 0xa3]), Buffer.from("ack"), Buffer.from([0xd9, 4]), Buffer.from("YWJj")]));
    const row = await theRecord(server, '"GET / 200"');
    assert.deepEqual([row._msg, row.app, row.container_id, row.container_name, row["field.source"], row.tag],
      ["GET / 200", "web-1", "0123456789abcdef", "/web-1", "stdout", "0123456789ab"]);
    const partial = await theRecord(server, "partial_message:true");
    assert.deepEqual([(partial._msg as string).length, partial.partial_id], [16384, "p1"]);
    socket.destroy();
  });
});

test("what is not of the protocol closes the connection, and what came before is kept", async () => {
  await withServer({ args: forward }, async (server) => {
    const socket = connect(server.port("forward"), "127.0.0.1");
    socket.resume();
    socket.write(docker("before", false));
    socket.write(Buffer.concat([Buffer.from([0x92]), bin("tag"), Buffer.from([0x07])]));
    await once(socket, "close");
    await theRecord(server, "before");
    assert.match(server.log, /collect\.broken .*no entries behind the tag/);
    const lines = connect(server.port("forward"), "127.0.0.1");
    lines.write("hello\n");
    const said = (await once(lines, "data"))[0] as Buffer;
    assert.match(said.toString(), /^ERROR\|.*Fluentd.*\n$/);
    lines.destroy();
  });
});

test("killed while it takes chunks: what was acknowledged is there", async () => {
  const data = makeDataDir();
  const acknowledged = new Set<number>();
  try {
    for (let round = 0; round < 3; round++) {
      const server = await Server.start({ data, args: forward });
      const client = new FluentClient("kill", {
        ack: { ackTimeout: 60_000 }, socket: { host: "127.0.0.1", port: server.port("forward"), disableReconnect: true },
      });
      await client.connect();
      const enough = new Promise<void>((resolve) => {
        for (let i = 0; i < 2000; i++) {
          const n = round * 2000 + i;
          client.emit({ msg: `chunk number ${n}.` }).then(() => {
            acknowledged.add(n);
            if (acknowledged.size % 2000 > 500) resolve();
          }, () => resolve());
        }
      });
      await enough;
      await server.signal("SIGKILL");
      await client.disconnect().catch(() => undefined);
    }
    const server = await Server.start({ data, args: forward });
    const found = new Set(server.query('"chunk number" | limit 10000').map((r) => Number(/(\d+)\.$/.exec(r._msg as string)![1])));
    await server.stop();
    assert.ok(acknowledged.size > 0);
    for (const n of acknowledged) assert.ok(found.has(n), `chunk ${n} was acknowledged and is lost`);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
