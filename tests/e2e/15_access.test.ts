// SPDX-License-Identifier: Apache-2.0
//
// 15_access.test.ts - policies: who is let in, from thousands of addresses of the loopback network.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";

import { LineClient } from "./lib/client.js";
import { run, type Server, withServer } from "./lib/server.js";

const workers = { args: ["--workers", "4", "--log-level", "EMERG"] };

function source(i: number): string {
  return `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
}

/** Connects from `address`, sends a line, and returns what the server says to it, to the end. */
async function visit(server: Server, address: string): Promise<string> {
  const socket = connect({ port: server.logsPort, host: "127.0.0.1", localAddress: address });
  const said: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => said.push(chunk));
  socket.on("error", () => undefined); // a refused connection may be reset while we send
  const closed = new Promise((resolve) => socket.once("close", resolve)); // once() would throw the error
  socket.end(`from ${address}\n`);
  await closed;
  return Buffer.concat(said).toString();
}

/** The same from each of `count` addresses, some hundred at a time. */
async function visitAll(server: Server, count: number): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      const answer = await visit(server, source(next++));
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 200 }, one));
  return answers;
}

async function stats(server: Server, name: string): Promise<number> {
  const client = await LineClient.open({ port: server.queryPort, host: "127.0.0.1" });
  client.send("STATS\nQUIT\n");
  const line = (await client.line()) ?? "";
  client.socket.destroy();
  return Number(new RegExp(`\\|${name}=(\\d+)`).exec(line)?.[1]);
}

test("strict: 10,000 addresses are let in, and one that comes too often is not", async () => {
  await withServer({ args: [...workers.args, "--logs-policy", "strict"] }, async (server) => {
    assert.deepEqual(await visitAll(server, 10_000), new Map([["ACK\n", 10_000]]));
    assert.equal(await stats(server, "addresses"), 10_000 + 1); // with the one who asks
    const refusal = "ERROR: more than 10 connections in 60 s from your address\n";
    const answers = [];
    for (let i = 0; i < 30; i++) answers.push(await visit(server, source(20_000)));
    assert.deepEqual(answers.slice(0, 10), Array(10).fill("ACK\n"));
    // one that is reset may have lost its line
    assert.ok(answers.slice(10).every((answer) => answer === refusal || answer === ""), answers.join(""));
    assert.ok(answers.includes(refusal));
    assert.equal(await visit(server, source(8)), "ACK\n");
    assert.equal(await visit(server, source(20_001)), "ACK\n");
    assert.equal(await stats(server, "refused_count"), 20);
    assert.equal(await stats(server, "stored"), 10_012);
    assert.equal(server.count("from"), 10_012);
  });
});

test("open: an address over its rate is told so, and no other is", async () => {
  const args = [...workers.args, "--logs-connections-rate", "100/d"];
  await withServer({ args }, async (server) => {
    const clients = await Promise.all(Array.from({ length: 400 }, () =>
      LineClient.open({ port: server.logsPort, host: "127.0.0.1", localAddress: source(30_000) })));
    for (const client of clients) client.send("PING\n");
    const answers = await Promise.all(clients.map((client) => client.line()));
    const let_in = answers.filter((answer) => answer === "PONG").length;
    assert.equal(let_in, 100); // on all workers together
    assert.equal(await stats(server, "refused_rate"), 300);
    assert.ok(answers.includes(
      "ERROR: more than 100 new connections in 86400 s from your address; try again a little later"));
    assert.deepEqual(await visitAll(server, 1_000), new Map([["ACK\n", 1_000]]));
    for (const client of clients) client.socket.destroy();
  });
});

test("strict questions: not by TCP, with a reason, but by the socket", async () => {
  await withServer({ args: ["--query-policy", "strict"] }, async (server) => {
    const tcp = run(["query", "--server", server.queryAddress, "*"]);
    assert.equal(tcp.code, 2);
    assert.match(tcp.stderr, /a login is needed.*query\.sock/);
    const socket = run(["query", "--server", `unix:${server.socket("query.sock")}`, "--count", "*"]);
    assert.equal(socket.code === 0 || socket.code === 1, true);
    // what a newcomer is told works
    assert.match(server.ready, new RegExp(`query --server unix:${server.socket("query.sock")}`));
  });
});

test("who may not come is told why by send, and nothing counts as stored", async () => {
  await withServer({ args: ["--logs-deny", "loopback"] }, async (server) => {
    const done = run(["send", "--server", server.logsAddress], "one\ntwo\n");
    assert.equal(done.code, 2);
    assert.match(done.stderr, /your address is not allowed here|closed the connection|reset/);
    assert.equal(server.count("one OR two"), 0);
  });
});

test("a mistake in a list is named", () => {
  const cases: [string[], RegExp][] = [
    [["--logs-allow", "10.0.0.1/8"], /--logs-allow 10\.0\.0\.1\/8: .*the network is 10\.0\.0\.0\/8/],
    [["--query-deny", "lopback"], /--query-deny lopback: .*expected an address.*loopback/],
    [["--logs-trust-proxy", "10.0.0.1:80"], /has no port/],
  ];
  for (const [args, says] of cases) {
    const done = run(["serve", ...args]);
    assert.equal(done.code, 2);
    assert.match(done.stderr, says);
  }
});
