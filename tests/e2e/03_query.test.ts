// SPDX-License-Identifier: Apache-2.0
//
// 03_query.test.ts - the query protocols, the first language, and that every answer holds each
// committed record exactly once while records are sealed and merged.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { run, type Server, withServer } from "./lib/server.js";

function asker(server: Server): Promise<LineClient> {
  return LineClient.open({ host: "127.0.0.1", port: server.queryPort });
}

/** RESULT|<n>, rows, END of one request. */
async function ask(client: LineClient, request: string): Promise<string[]> {
  client.send(`${request}\n`);
  const head = await client.line();
  assert.ok(head !== undefined && head.startsWith("RESULT|"), `${request}: ${head}`);
  const rows: string[] = [];
  for (let line = await client.line(); ; line = await client.line()) {
    assert.ok(line !== undefined, "closed in the middle");
    if (line === "END" || line.startsWith("END|")) break;
    rows.push(line);
  }
  if (head !== "RESULT|*") assert.equal(Number(head.slice(7)), rows.length, request);
  return rows;
}

const day = 1_700_000_000;

async function store(server: Server, lines: string[]): Promise<void> {
  const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
  client.send(lines.map((line) => `${line}\n`).join(""));
  const answers = await client.expectLines(lines.length);
  for (const answer of answers) assert.match(answer, /^OK\|/);
  client.close();
}

test("every type of query", async () => {
  await withServer({}, async (server) => {
    await store(server, [
      `LOG|INFO|${day}|service started`,
      `LOG|WARN|${day + 10}|disk is almost FULL`,
      `LOG|ERROR|${day + 20}|disk is full`,
      `LOG|CRIT|${day + 30}|서버가 응답하지 않습니다`,
      `LOG||${day + 40}|a line without a level`,
    ]);
    const client = await asker(server);
    const messages = async (request: string) => (await ask(client, request)).map((row) => row.split("|").slice(3).join("|"));
    const full = ["disk is almost FULL", "disk is full"];
    assert.deepEqual(await messages("QUERY|KEYWORD|FuLL"), full);
    assert.deepEqual(await messages("QUERY|KEYWORD|응답"), ["서버가 응답하지 않습니다"]);
    assert.deepEqual(await messages("QUERY|KEYWORD|crit"), ["서버가 응답하지 않습니다"]); // its level
    assert.deepEqual(await messages("QUERY|TIME|" + `${day + 10},${day + 21}`), full);
    assert.deepEqual(await messages("QUERY|TIME|2023-11-14T22:13:20Z,2023-11-14T22:13:21Z"), ["service started"]);
    assert.deepEqual(await messages("QUERY|QL|level:WARN AND full"), []);
    assert.deepEqual(await messages("QUERY|QL|level:WARN AND FULL"), ["disk is almost FULL"]);
    assert.deepEqual(await messages('QUERY|QL|"disk is" NOT almost'), ["disk is full"]);
    assert.deepEqual(await messages("QUERY|QL|(service OR 서버) | limit 1"), ["서버가 응답하지 않습니다"]);
    assert.deepEqual(await messages(`QUERY|QL|disk _time:[${day}, ${day + 15})`), ["disk is almost FULL"]);
    assert.equal((await messages("QUERY|LEVEL|ERROR")).filter((m) => m.includes("disk") || m.includes("서버")).length, 2);
    assert.deepEqual(await ask(client, "QUERY|COUNT|disk"), ["2"]);
    assert.deepEqual(await messages("QUERY|SOURCE|nowhere"), []);
    assert.ok((await messages("QUERY|SOURCE|127.0.0.1")).length >= 5);
    const last = await messages("QUERY|LAST|2");
    assert.equal(last.length, 2);
    assert.ok((await ask(client, "QUERY|STATS|")).some((row) => row.includes("=")));
    client.send("STATS\n");
    assert.match((await client.line())!, /^STATS\|.*=/);
    client.send("ROWS|json\n");
    assert.equal(await client.line(), "OK");
    const [row] = await ask(client, "QUERY|KEYWORD|almost");
    assert.equal(JSON.parse(row!)._msg, "disk is almost FULL");
    const counted = await ask(client, "QUERY|QL|disk | stats by (level) count() as n");
    assert.deepEqual(counted.map((one) => JSON.parse(one)).map((one) => `${one.level} ${one.n}`).sort(), ["ERROR 1", "WARN 1"]);
    client.close();
  });
});

test("mistakes are explained and the connection stays", async () => {
  await withServer({}, async (server) => {
    const client = await asker(server);
    for (const [request, answer] of [
      ["QUERY|NOTHING|x", /^ERROR\|.*query type/],
      ["QUERY|LEVEL|LOUD", /^ERROR\|.*LOUD/],
      ["QUERY|TIME|yesterday", /^ERROR\|/],
      ["QUERY|LAST|many", /^ERROR\|/],
      ["QUERY|QL|level:ERROR AND (", /^ERROR\|.*column \d+/],
      ["QUERY|QL|x | sort by (y)", /^ERROR\|.*sort/],
    ] as const) {
      client.send(`${request}\n`);
      assert.match((await client.line())!, answer, request);
    }
    client.send("PING\n");
    assert.equal(await client.line(), "PONG");
    client.close();
  });
});

test("pipelined requests are answered in order", async () => {
  await withServer({}, async (server) => {
    await store(server, [`LOG|INFO|${day}|one`, `LOG|INFO|${day}|two`]);
    const client = await asker(server);
    client.send("QUERY|COUNT|one\nPING\nQUERY|COUNT|one OR two\nPING\nQUERY|NOTHING|\nPING\n");
    assert.deepEqual((await client.expectLines(10)).map((line) => line.replace(/^ERROR.*/, "ERROR")),
      ["RESULT|1", "1", "END", "PONG", "RESULT|1", "2", "END", "PONG", "ERROR", "PONG"]);
    client.close();
  });
});

test("v1: rows, END, and the connection closes", async () => {
  await withServer({}, async (server) => {
    await store(server, [`LOG|ERROR|${day}|disk\\path|full`]);
    const client = await asker(server);
    client.send("QUERY:disk\n");
    assert.deepEqual(await client.rest(), ["RESULT:1", `LOG:${day}:ERROR:disk\\path|full`, "END"]);
  });
});

test("the server's own log is in its store, and does not feed itself", async () => {
  await withServer({}, async (server) => {
    const rows = await eventually(() => server.query("app:logcaster"), (found) => found.length > 0);
    assert.ok(rows.length < 100);
    const before = server.count("app:logcaster");
    for (let i = 0; i < 20; i++) run(["send", "--server", server.logsAddress], "a line\n");
    assert.ok(server.count("app:logcaster") - before <= 60);
  });
});

test("an asker that goes away, or never reads, stops nobody else", async () => {
  await withServer({}, async (server) => {
    run(["send", "--server", server.logsAddress], "some text to be found\n".repeat(200_000));
    const deaf: LineClient[] = [];
    for (let i = 0; i < 8; i++) {
      const client = await asker(server);
      client.socket.pause();
      client.send("QUERY|QL|text\n");
      deaf.push(client);
    }
    for (const client of deaf.slice(0, 4)) {
      client.close();
      await once(client.socket, "close");
    }
    assert.equal(run(["send", "--server", server.logsAddress], "after\n").code, 0);
    for (const client of deaf) client.close();
    assert.equal(server.count("after"), 1);
  });
});

test("each committed record exactly once, asked continuously while records are sealed and merged", async () => {
  // memory so small that a set is sealed every few thousand records
  await withServer({ args: ["--memory", "32M", "--workers", "2"] }, async (server) => {
    const total = 300_000;
    const batch = 5_000;
    let acknowledged = 0;
    let sending = true;
    const senders = [0, 1].map(async (sender) => {
      const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
      for (let from = sender * batch; from < total; from += 2 * batch) {
        let lines = "";
        for (let i = from; i < from + batch; i++) lines += `LOG|INFO||serial ${i} ${"padding ".repeat(20)}\n`;
        client.send(lines);
        await client.expectLines(batch);
        acknowledged += batch;
      }
      client.close();
    });
    void Promise.all(senders).then(() => (sending = false));
    const client = await asker(server);
    let asked = 0;
    while (sending) {
      const before = acknowledged;
      const [count] = await ask(client, "QUERY|COUNT|serial");
      assert.ok(Number(count) >= before, `${count} found, ${before} were acknowledged before`);
      assert.ok(Number(count) <= total);
      asked++;
    }
    await Promise.all(senders);
    assert.ok(asked > 5, `asked only ${asked} times`);
    assert.deepEqual(await ask(client, "QUERY|COUNT|serial"), [String(total)]);
    const serials = new Set<string>();
    for (const row of await ask(client, "QUERY|QL|serial")) {
      const serial = row.split("|")[3]!.split(" ")[1]!;
      assert.ok(!serials.has(serial), `twice: ${serial}`);
      serials.add(serial);
    }
    assert.equal(serials.size, total);
    const stats = (await ask(client, "QUERY|STATS|")).join("|");
    const sealed = /sealed=(\d+)/.exec(stats);
    assert.ok(sealed !== null && Number(sealed[1]) > 2, `nothing was sealed meanwhile: ${stats}`);
    client.close();
  });
});
