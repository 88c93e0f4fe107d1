// SPDX-License-Identifier: Apache-2.0
//
// 08_tail.test.ts - records as they come: each once, in order, resumed by a cursor, also after a
// restart; a slow reader loses nothing that still exists.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { test } from "node:test";

import { LineClient, patienceMs } from "./lib/client.js";
import { binary, makeDataDir, run, Server, withServer } from "./lib/server.js";

/** A tail that has begun: what is sent from now on comes. */
async function tail(server: Server, parameter: string): Promise<LineClient> {
  const client = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
  client.send(`QUERY|TAIL|${parameter}\n`);
  assert.equal(await client.line(), "RESULT|*");
  return client;
}

function send(server: Server, lines: string): void {
  const sent = run(["send", "--server", server.logsAddress], lines);
  assert.equal(sent.code, 0, sent.stderr);
}

function numbered(from: number, to: number): string {
  let lines = "";
  for (let i = from; i < to; i++) lines += `number ${i}\n`;
  return lines;
}

/** The messages of the next `count` rows. */
async function rows(client: LineClient, count: number): Promise<string[]> {
  const found: string[] = [];
  while (found.length < count) {
    const line = await client.line();
    assert.ok(line !== undefined, "the tail ended");
    assert.ok(!line.startsWith("MISSED|"), line);
    if (!line.startsWith("CURSOR|")) found.push(line.split("|").slice(3).join("|"));
  }
  return found;
}

test("each record comes once, only what matches, in the order of its connection", async () => {
  await withServer({}, async (server) => {
    const all = await tail(server, "number");
    const some = await tail(server, '"number 7"');
    send(server, `nothing\n${numbered(0, 5000)}`);
    assert.deepEqual(await rows(all, 5000), Array.from({ length: 5000 }, (_, i) => `number ${i}`));
    assert.deepEqual(await rows(some, 1), ["number 7"]);
    all.close();
    some.close();
  });
});

test("a cursor goes on where it was, also after a restart and from segments", async () => {
  const data = makeDataDir();
  const first = await Server.start({ data });
  const client = await tail(first, "number");
  send(first, numbered(0, 100));
  await rows(client, 100);
  const cursor = await client.line(); // soon after the last row
  assert.ok(cursor !== undefined && cursor.startsWith("CURSOR|"), cursor);
  client.close();
  send(first, numbered(100, 200));
  assert.equal((await first.stop()).code, 0);

  const second = await Server.start({ data });
  const again = await tail(second, `${cursor.slice(7)}|number`);
  const found = await rows(again, 100);
  assert.deepEqual([...found].sort(), Array.from({ length: 100 }, (_, i) => `number ${100 + i}`).sort());
  send(second, numbered(200, 201));
  assert.deepEqual(await rows(again, 1), ["number 200"]);
  again.close();
  await second.stop();
  rmSync(data, { recursive: true });
});

test("a reader that stops reading for a while misses nothing", async () => {
  await withServer({}, async (server) => {
    const client = await tail(server, "number");
    client.socket.pause();
    const count = 200_000; // far more than all buffers between hold
    send(server, numbered(0, count));
    client.socket.resume();
    const found = await rows(client, count);
    assert.equal(new Set(found).size, count);
    client.close();
  });
});

test("a query that is no filter, and a cursor that is none, are refused", async () => {
  await withServer({}, async (server) => {
    for (const parameter of ["* | limit 3", "* | stats by (app) count()", "(", "notacursor|*"]) {
      const client = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
      client.send(`QUERY|TAIL|${parameter}\n`);
      assert.match((await client.line())!, /^ERROR\|/, parameter);
      client.close();
    }
  });
});

test("logcaster tail begins with the newest and goes on", async () => {
  await withServer({}, async (server) => {
    send(server, numbered(0, 50));
    const child = spawn(binary, ["tail", "-n", "3", "-o", "raw", "--server", server.queryAddress, "number"], { stdio: ["ignore", "pipe", "inherit"] });
    let shown = "";
    const sees = (text: string) => new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not shown: ${text}; shown: ${shown}`)), patienceMs);
      const look = () => {
        if (!shown.includes(text)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout.on("data", look);
      look();
    });
    child.stdout.on("data", (chunk: Buffer) => (shown += chunk.toString()));
    await sees("number 49\n");
    send(server, numbered(50, 52));
    await sees("number 51\n");
    assert.equal(shown, "number 47\nnumber 48\nnumber 49\nnumber 50\nnumber 51\n");
    child.kill();
  });
});
