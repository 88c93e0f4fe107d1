// SPDX-License-Identifier: Apache-2.0
//
// 10_several.test.ts - one question to several servers: their answers as one, who is missing, and
// tails that find a server again.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { test } from "node:test";

import { LineClient, patienceMs } from "./lib/client.js";
import { binary, makeDataDir, run, Server } from "./lib/server.js";

const day = 1_700_000_000;

function store(server: Server, lines: string[]): void {
  const sent = run(["send", "--server", server.logsAddress], lines.map((line) => `${line}\n`).join(""));
  assert.equal(sent.code, 0, sent.stderr);
}

/** Lines of every third second go to each of three servers, so that only all of them make the row. */
async function three(work: (servers: Server[], options: string[]) => Promise<void> | void): Promise<void> {
  const servers = await Promise.all([0, 1, 2].map(() => Server.start()));
  try {
    for (const [n, server] of servers.entries()) {
      const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
      for (let i = n; i < 30; i += 3) client.send(`LOG|${i % 2 ? "ERROR" : "INFO"}|${day + i}|event ${i}\n`);
      for (const answer of await client.expectLines(10)) assert.match(answer, /^OK\|/);
      client.close();
    }
    await work(servers, servers.flatMap((server) => ["--server", server.queryAddress]));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

const events = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `event ${from + i}\n`).join("");

test("records of several servers come as one answer, by time", async () => {
  await three((_servers, options) => {
    const all = run(["query", "-o", "raw", ...options, "event"]);
    assert.equal(all.stderr, "");
    assert.equal(all.code, 0);
    assert.equal(all.stdout.toString(), events(0, 30));
    const newest = run(["query", "-o", "raw", "-n", "5", ...options, "event"]);
    assert.equal(newest.stdout.toString(), events(25, 30));
    const piped = run(["query", "-o", "raw", ...options, "event | limit 7"]);
    assert.equal(piped.stdout.toString(), events(23, 30));
    const counted = run(["query", "--count", ...options, "level:ERROR event"]);
    assert.equal(counted.stdout.toString(), "15\n");
    const nothing = run(["query", ...options, "nowhere"]);
    assert.deepEqual([nothing.code, nothing.stdout.toString(), nothing.stderr], [1, "", ""]);
  });
});

test("tables of several servers are added up", async () => {
  await three((_servers, options) => {
    const table = run(["query", "-o", "csv", ...options, "event | stats by (level) count() as n"]);
    assert.equal(table.stdout.toString(), "level,n\nINFO,15\nERROR,15\n", table.stderr);
    const first = run(["query", "-o", "csv", ...options, "event | stats by (_time:10s) count() as n | limit 2"]);
    assert.equal(first.stdout.toString(), "_time,n\n2023-11-14T22:13:20Z,10\n2023-11-14T22:13:30Z,10\n", first.stderr);
    const refused = run(["query", ...options, "event | limit 5 | stats count()"]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /`limit` in front of `stats` cannot be asked of several servers/);
  });
});

test("who is missing is named, and the others answer", async () => {
  await three(async (servers, options) => {
    const [gone] = servers;
    const address = gone!.queryAddress;
    await gone!.stop();
    const rest = run(["query", "-o", "raw", ...options, "event"]);
    assert.equal(rest.code, 2);
    assert.equal(rest.stdout.toString().split("\n").length, 21);
    assert.match(rest.stderr, new RegExp(`^logcaster: ${address} is missing: cannot connect`, "m"));
    assert.match(rest.stderr, /the answer lacks what 1 of 3 servers have\n$/);
    const mistake = run(["query", ...options, "level:eror"]);
    assert.equal(mistake.code, 2);
    assert.equal(mistake.stderr.match(/unknown level 'eror'/g)?.length, 1, mistake.stderr);
  });
});

/** A tail whose output can be waited for. */
class Tail {
  shown = "";
  said = "";
  readonly process: ChildProcess;
  private waiting: (() => void)[] = [];

  constructor(args: string[]) {
    this.process = spawn(binary, ["tail", "-o", "raw", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.process.stdout!.on("data", (chunk: Buffer) => this.take(() => (this.shown += chunk.toString())));
    this.process.stderr!.on("data", (chunk: Buffer) => this.take(() => (this.said += chunk.toString())));
  }

  private take(add: () => void): void {
    add();
    for (const look of this.waiting) look();
  }

  until(done: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not seen: ${what}; shown: ${this.shown}; said: ${this.said}`)), patienceMs);
      const look = (): void => {
        if (!done()) return;
        clearTimeout(timer);
        resolve();
      };
      this.waiting.push(look);
      look();
    });
  }
}

test("a tail of several servers begins with the newest of all, and follows each", async () => {
  await three(async (servers, options) => {
    const tail = new Tail(["-n", "6", ...options, "event"]);
    await tail.until(() => tail.shown === events(24, 30), "the newest six");
    for (const [n, server] of servers.entries()) store(server, [`event new ${n}`]);
    await tail.until(() => tail.shown.split("\n").length === 10, "one of each");
    assert.deepEqual(tail.shown.split("\n").slice(6, 9).sort(), ["event new 0", "event new 1", "event new 2"]);
    tail.process.kill();
  });
});

test("a tail finds its server again, and misses and repeats nothing", async () => {
  const data = makeDataDir();
  let server = await Server.start({ data });
  const other = await Server.start();
  const tail = new Tail(["-n", "2", "--server", `unix:${data}/query.sock`, "--server", other.queryAddress, "event"]);
  store(server, ["event 0", "event 1"]);
  await tail.until(() => tail.shown.includes("event 1\n"), "event 1");
  await server.signal("SIGKILL");
  await tail.until(() => tail.said.includes("is missing"), "that it is missing");
  store(other, ["event of the other"]);
  await tail.until(() => tail.shown.includes("of the other"), "that the other is followed meanwhile");
  server = await Server.start({ data });
  store(server, ["event 2", "event 3"]);
  await tail.until(() => tail.said.includes("is there again"), "that it is there again");
  await tail.until(() => tail.shown.includes("event 3\n"), "event 3");
  assert.deepEqual(tail.shown.split("\n").sort(), ["", "event 0", "event 1", "event 2", "event 3", "event of the other"]);
  tail.process.kill();
  await server.stop();
  await other.stop();
  rmSync(data, { recursive: true });
});
