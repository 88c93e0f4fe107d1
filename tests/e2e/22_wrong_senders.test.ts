// SPDX-License-Identifier: Apache-2.0
//
// 22_wrong_senders.test.ts - what real senders do wrong, over real sockets.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { type Server, withServer } from "./lib/server.js";

/** Sends over TCP, shuts, and waits for the server to close: then all of it is stored. */
async function sendAll(server: Server, octets: string | Buffer): Promise<string[]> {
  const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
  client.send(octets);
  client.socket.end();
  const answers = await client.rest();
  client.close();
  return answers;
}

async function messages(server: Server, count: number): Promise<unknown[]> {
  const rows = await eventually(() => server.query("NOT app:logcaster"), (found) => found.length >= count);
  return rows.map((row) => row._msg);
}

test("no line's end behind the last line", async () => {
  await withServer({}, async (server) => {
    await sendAll(server, "<13>app: one\n<13>app: two");
    assert.deepEqual(await messages(server, 2), ["one", "two"]);
  });
});

test("several messages in a datagram", async () => {
  await withServer({}, async (server) => {
    const socket = createSocket("udp4");
    socket.send("<13>app: one\n<11>app: two\n  at line 2\n<14>app: three\n", server.logsPort, "127.0.0.1");
    assert.deepEqual(await messages(server, 3), ["one", "two\n  at line 2", "three"]);
    socket.close();
  });
});

test("RFC 3164 without a host, ISO times without a version, local times without a zone", async () => {
  process.env.TZ = "Asia/Seoul"; // of the server, which inherits it
  try {
    await withServer({}, async (server) => {
      await sendAll(server, "<13>Nov 20 18:00:00 cron[7]: without a host\n" +
        "<13>2026-11-20T18:00:00.5+09:00 web cron: with a zone\n" +
        "<13>2026-11-20 18:00:00,5 web cron: without a zone\n" +
        "<13>1 2026-11-20T18:00:00 web cron 7 - - without a zone in RFC 5424\n");
      const rows = server.query("NOT app:logcaster");
      assert.deepEqual([...rows].map((row) => row._msg).sort(),
        ["with a zone", "without a host", "without a zone", "without a zone in RFC 5424"]);
      const of = (message: string): Record<string, unknown> => rows.find((row) => row._msg === message)!;
      assert.deepEqual([of("without a host").host, of("without a host").app, of("without a host").pid], [undefined, "cron", "7"]);
      assert.equal(of("with a zone")._time, "2026-11-20T09:00:00.500000000Z");
      assert.equal(of("without a zone")._time, "2026-11-20T09:00:00.500000000Z");
      assert.equal(of("without a zone in RFC 5424")._time, "2026-11-20T09:00:00Z");
    });
  } finally {
    delete process.env.TZ;
  }
});

test("a BOM in front, NUL and CR LF behind", async () => {
  await withServer({}, async (server) => {
    assert.match((await sendAll(server, "\uFEFFLOG|INFO||one\r\n"))[0] ?? "", /^OK\|/);
    await sendAll(server, "<13>app: two\0<13>app: three\0");
    await sendAll(server, "<13>1 - - - - - - \uFEFFfour\r\n<13>app: \uFEFFfive\n\0<13>app: six\0");
    await sendAll(server, "14 <13>app: seven\0" + "15 <13>app: eight\r\n");
    assert.deepEqual(await messages(server, 8), ["one", "two", "three", "four", "five", "six", "seven", "eight"]);
  });
});

test("octet counts that lie", async () => {
  await withServer({}, async (server) => {
    const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
    client.send("12 <13>app: one12 <13>app: two9 <13>app: three12 <13>app: four");
    assert.deepEqual(await client.rest(), []); // the server has closed
    client.close();
    const kept = await messages(server, 2);
    assert.deepEqual(kept.slice(0, 2), ["one", "two"]);
    assert.ok(!kept.includes("four"));
    await eventually(() => server.log, (log) => /collect\.broken .*an octet count is wrong/.test(log)); // written by a thread of its own
    const asking = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
    asking.send("STATS\n");
    assert.match((await asking.line()) ?? "", /\|broken=1\|/);
    asking.close();
  });
});

test("each service has a space for what names none", async () => {
  await withServer({ args: ["--logs-space", "shop"] }, async (server) => {
    await sendAll(server, 'plain\n{"_msg":"json"}\n{"_msg":"json of its own","_space":"bank"}\n');
    const rows = server.query("NOT app:logcaster");
    const space = (message: string): unknown => rows.find((row) => row._msg === message)?.space;
    assert.deepEqual([space("plain"), space("json"), space("json of its own")], ["shop", "shop", "bank"]);
  });
});
