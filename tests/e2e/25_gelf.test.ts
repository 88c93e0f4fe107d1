// SPDX-License-Identifier: Apache-2.0
//
// 25_gelf.test.ts - GELF: a client of npm over UDP (compressed, in chunks) and TCP, and what
// Docker's driver sends.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";

import { eventually, LineClient } from "./lib/client.js";
import { type Server, withServer } from "./lib/server.js";

type Row = Record<string, unknown>;

const args = ["--gelf", "127.0.0.1:0"];

async function theRecord(server: Server, query: string): Promise<Row> {
  const rows = await eventually(() => server.query(query), (found) => found.length > 0);
  assert.equal(rows.length, 1, JSON.stringify(rows));
  return rows[0]!;
}

async function figure(server: Server, name: string): Promise<number> {
  const client = await LineClient.open({ port: server.queryPort, host: "127.0.0.1" });
  client.send("STATS\n");
  const line = await client.line();
  client.close();
  return Number(new RegExp(`\\|${name}=(\\d+)`).exec(line!)![1]);
}

/** gelf-pro has no types, and one configuration for a process: so it is loaded anew each time. */
interface GelfPro {
  setConfig(config: object): void;
  error(message: string | Error, extra: object, done: (error?: Error) => void): void;
}

function gelfPro(config: object): GelfPro {
  const require = createRequire(import.meta.url);
  for (const file of Object.keys(require.cache)) if (file.includes("gelf-pro")) delete require.cache[file];
  const client = require("gelf-pro") as GelfPro;
  client.setConfig(config);
  return client;
}

const ways = [
  { name: "udp", options: { protocol: "udp4" } },
  { name: "tcp", options: { protocol: "tcp4" } },
];

test("gelf-pro", async (t) => {
  await withServer({ args }, async (server) => {
    for (const { name, options } of ways)
      await t.test(name, async () => {
        const client = gelfPro({
          adapterName: name, fields: { facility: "shop" },
          adapterOptions: { host: "127.0.0.1", port: server.port("gelf"), ...options },
        });
        const send = (message: string | Error, extra: object) =>
          new Promise<void>((resolve, reject) => client.error(message, extra, (e) => (e ? reject(e) : resolve())));
        await send(`결제 failed by ${name}`, { order: { no: 17 }, ratio: 0.5, user: "kim" });
        const row = await theRecord(server, `"failed by ${name}"`);
        const { hostname } = await import("node:os");
        assert.deepEqual([row._msg, row.level, row.host, row.user, row.ratio, row.order_no],
          [`결제 failed by ${name}`, "ERROR", hostname(), "kim", 0.5, 17]);
        assert.ok(Math.abs(Date.now() - Date.parse(row._time as string)) < 120_000, `time is ${row._time}`);
        await send(new Error(`an error by ${name}`), {});
        const error = await theRecord(server, `"an error by ${name}"`);
        assert.match(error._msg as string, /\n +at /); // the full message, with its stack
        // does not compress well, so it goes in chunks over UDP
        const long = Array.from({ length: 4000 }, (_, i) => (i * 2654435761 >>> 0).toString(36)).join(" ");
        await send(`long by ${name} ${long}`, {});
        const whole = await theRecord(server, `"long by ${name}"`);
        assert.equal(whole._msg, `long by ${name} ${long}`);
      });
    assert.ok((await figure(server, "gelf_chunks")) > 1);
    assert.equal(await figure(server, "malformed"), 0);
  });
});

// What docker's daemon/logger/gelf/gelf.go writes, which takes gzip at level 1 and UDP by default.
const docker = (message: string) => ({
  version: "1.1", host: "docker-host", short_message: message, timestamp: 1795197600.123, level: 3,
  _command: "nginx -g 'daemon off;'", _container_id: "0123456789abcdef", _container_name: "web-1",
  _created: "2026-11-20T17:00:00Z", _image_id: "sha256:00", _image_name: "nginx:1", _tag: "0123456789ab",
});

test("Docker's driver, in each of its forms", async (t) => {
  await withServer({ args }, async (server) => {
    const udp = createSocket("udp4");
    const forms: { name: string; send: (octets: Buffer) => void }[] = [
      { name: "gzip", send: (m) => udp.send(gzipSync(m, { level: 1 }), server.port("gelf"), "127.0.0.1") },
      { name: "zlib", send: (m) => udp.send(deflateSync(m), server.port("gelf"), "127.0.0.1") },
      { name: "none", send: (m) => udp.send(m, server.port("gelf"), "127.0.0.1") },
      { name: "tcp", send: (m) => connect(server.port("gelf"), "127.0.0.1").end(Buffer.concat([m, Buffer.from([0])])) },
    ];
    for (const { name, send } of forms)
      await t.test(name, async () => {
        send(Buffer.from(JSON.stringify(docker(`by ${name}`))));
        const row = await theRecord(server, `"by ${name}"`);
        assert.deepEqual([row._msg, row.level, row.host, row.app, row._time, row.container_name, row.tag, row.image_name],
          [`by ${name}`, "ERROR", "docker-host", "web-1", "2026-11-20T18:00:00.123000000Z", "web-1", "0123456789ab", "nginx:1"]);
      });
    udp.close();
  });
});

test("chunks: in any order, of several messages at once, and what never becomes whole", async () => {
  await withServer({ args: [...args, "--workers", "1"] }, async (server) => {
    const udp = createSocket("udp4");
    const chunk = (id: string, number: number, count: number, octets: Buffer) =>
      Buffer.concat([Buffer.from([0x1e, 0x0f]), Buffer.from(id), Buffer.from([number, count]), octets]);
    const messages = ["first of them", "second of them"].map((m) => gzipSync(JSON.stringify(docker(m))));
    const size = 40;
    const chunks = messages.flatMap((m, k) => {
      const count = Math.ceil(m.length / size);
      return Array.from({ length: count }, (_, i) => chunk(`message${k}`, i, count, m.subarray(i * size, (i + 1) * size)));
    });
    for (const c of chunks.reverse()) udp.send(c, server.port("gelf"), "127.0.0.1");
    await eventually(() => server.count('"of them"'), (n) => n === 2);
    // 70 beginnings: each place that a worker has, and six more
    for (let i = 0; i < 70; i++) udp.send(chunk(`part${1000 + i}`, 0, 2, Buffer.from("{")), server.port("gelf"), "127.0.0.1");
    await eventually(() => figure(server, "gelf_pushed"), (n) => n === 6);
    udp.send(Buffer.from('{"short_message":"still here"}'), server.port("gelf"), "127.0.0.1");
    await theRecord(server, '"still here"');
    udp.close();
  });
});

test("a stream of many messages, its last without a NUL", async () => {
  await withServer({ args }, async (server) => {
    const socket = connect(server.port("gelf"), "127.0.0.1");
    await once(socket, "connect");
    for (let i = 0; i < 1000; i++) socket.write(`${JSON.stringify({ ...docker(`number ${i} of many`), _i: i })}\0`);
    socket.end(JSON.stringify(docker("the last of many")));
    await eventually(() => server.count('"of many"'), (n) => n === 1001);
    assert.equal((await theRecord(server, "i:777"))._msg, "number 777 of many");
  });
});
