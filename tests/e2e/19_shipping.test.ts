// SPDX-License-Identifier: Apache-2.0
//
// 19_shipping.test.ts - logcaster send over a spool, and relays: servers that are away, full, killed
// or another one than before, alone and in chains; and every record is counted exactly.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { binary, run, Server } from "./lib/server.js";

const rounds = Number(process.env.KILL_ROUNDS ?? 8);

/** A folder for a spool, files and the data of servers. */
class Place {
  readonly dir = mkdtempSync(join(tmpdir(), "logcaster-shipping-"));

  path(name: string): string {
    return join(this.dir, name);
  }

  /** Where the server with its data in that folder takes logs, also after it was started anew. */
  logs(name: string): string {
    return `unix:${this.path(name)}/logs.sock`;
  }

  server(name: string, args: string[] = []): Promise<Server> {
    return Server.start({ data: this.path(name), args });
  }

  end(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** logcaster send, for as long as it runs. */
class Sender {
  said = "";
  readonly process: ChildProcess;

  constructor(args: string[]) {
    this.process = spawn(binary, ["send", ...args], { stdio: ["ignore", "ignore", "pipe"] });
    this.process.stderr!.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, "exit");
      this.process.kill(signal);
      await exited;
    }
    assert.doesNotMatch(this.said, /AddressSanitizer|runtime error:|LeakSanitizer/);
    return this.process.exitCode;
  }
}

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `number ${from + i}`);
}

function write(path: string, lines: string[]): void {
  appendFileSync(path, lines.map((line) => `${line}\n`).join(""));
}

/** Waits until the server has so many, and says what it has. */
async function messages(server: Server, expected: number): Promise<string[]> {
  const client = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
  await eventually(async () => {
    client.send("QUERY|COUNT|number\n");
    return Number((await client.expectLines(3))[1]);
  }, (count) => count >= expected);
  client.close();
  return server.query("number").map((row) => row._msg as string);
}

function assertExactly(found: string[], expected: string[], label: string): void {
  assert.equal(found.length, expected.length, `${label}: ${found.length} rows of ${expected.length}`);
  assert.equal(new Set(found).size, found.length, `${label}: something is stored twice`);
  assert.deepEqual(new Set(found), new Set(expected), label);
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("what no server takes waits in the spool, and goes out once", async () => {
  const place = new Place();
  const options = ["--spool", place.path("spool"), "--server", place.logs("a")];
  const lines = numbered(0, 3000);
  write(place.path("in.log"), lines);
  const away = run(["send", ...options, "--wait", "500ms", place.path("in.log")]);
  assert.equal(away.code, 3, away.stderr);
  assert.match(away.stderr, /no server answers; 3000 records wait in \S+, and go out when send runs with this spool again/);

  const server = await place.server("a");
  const rest = run(["send", ...options]);
  assert.deepEqual([rest.code, rest.stderr], [0, ""]);
  assertExactly(await messages(server, lines.length), lines, "after the wait");
  // the spool knows how far it has read the file
  write(place.path("in.log"), numbered(3000, 3010));
  assert.equal(run(["send", ...options, place.path("in.log")]).code, 0);
  assertExactly(await messages(server, 3010), numbered(0, 3010), "read on");
  await server.stop();
  place.end();
});

test("standard input, and a program with its exit code", async () => {
  const place = new Place();
  const server = await place.server("a");
  const options = ["--spool", place.path("spool"), "--server", place.logs("a")];
  assert.equal(run(["send", ...options, "--level", "WARN"], "number 1\nnumber 2\n").code, 0);
  const program = run(["send", ...options, "--exec", "echo number 3; echo number 4 >&2; exit 7", "--exec-once"]);
  assert.equal(program.code, 7, program.stderr);
  assertExactly(await messages(server, 4), numbered(1, 5), "all of it");
  assert.equal(server.count("number level:WARN"), 2);
  assert.equal(server.count("number stream:stderr"), 1);
  await server.stop();
  place.end();
});

test("a spool that is full makes its input wait, and loses nothing", async () => {
  const place = new Place();
  const options = ["--spool", place.path("spool"), "--spool-size", "8M", "--server", place.logs("a")];
  const noise = random(1);
  const lines = numbered(0, 90_000).map((line) => `${line} ${Array.from({ length: 40 }, () => noise(2 ** 30).toString(36)).join("")}`);
  writeFileSync(place.path("in.log"), lines.map((line) => `${line}\n`).join(""));
  const away = run(["send", ...options, "--wait", "2s", place.path("in.log")]);
  assert.equal(away.code, 2, away.stderr);
  assert.match(away.stderr, /no server answers, and not all is read; \d+ records wait/);
  let octets = 0;
  for (const folder of ["seg", "wal"]) {
    for (const name of readdirSync(join(place.path("spool"), folder))) octets += statSync(join(place.path("spool"), folder, name)).size;
  }
  assert.ok(octets < 24 << 20, `${octets} octets in the spool`); // and one set that was begun
  const server = await place.server("a");
  const all = run(["send", ...options, place.path("in.log")]);
  assert.equal(all.code, 0, all.stderr);
  assertExactly(await messages(server, lines.length), lines, "all of it");
  await server.stop();
  place.end();
});

test("sender and server are killed at any moment, and each record is stored once", async () => {
  const place = new Place();
  const next = random(rounds);
  const input = place.path("in.log");
  const start = () => new Sender(["--spool", place.path("spool"), "--server", place.logs("a"), "--follow", input]);
  writeFileSync(input, "");
  let server = await place.server("a");
  let sender = start();
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    write(input, numbered(count, count + 400));
    count += 400;
    // some way into the round, wherever that is
    const reached = count - next(400);
    await eventually(() => server.count("number"), (n) => n >= reached - 400);
    if (next(2) === 0) {
      await sender.end("SIGKILL");
      sender = start();
    } else {
      await server.signal("SIGKILL");
      write(input, numbered(count, count + 100));
      count += 100;
      server = await place.server("a");
    }
  }
  assertExactly(await messages(server, count), numbered(0, count), `${rounds} rounds`);
  assert.equal(await sender.end("SIGTERM"), 0, sender.said);
  await server.stop();
  place.end();
});

test("a chain of three: send, a relay and a server, each of them killed", async () => {
  const place = new Place();
  const next = random(rounds + 1);
  const input = place.path("in.log");
  const startSender = () => new Sender(["--spool", place.path("spool"), "--server", place.logs("a"), "--follow", input]);
  const startA = () => place.server("a", ["--relay-to", place.logs("b"), "--relay-query", "number"]);
  writeFileSync(input, "");
  let b = await place.server("b");
  let a = await startA();
  let sender = startSender();
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    write(input, numbered(count, count + 300));
    count += 300;
    await eventually(() => b.count("number"), (n) => n >= count - 300 - next(300));
    const victim = next(3);
    if (victim === 0) {
      await sender.end("SIGKILL");
      sender = startSender();
    } else if (victim === 1) {
      await a.signal("SIGKILL");
      a = await startA();
    } else {
      await b.signal("SIGKILL");
      write(input, numbered(count, count + 100));
      count += 100;
      b = await place.server("b");
    }
  }
  assertExactly(await messages(b, count), numbered(0, count), `the end of the chain, ${rounds} rounds`);
  assertExactly(await messages(a, count), numbered(0, count), `its middle, ${rounds} rounds`);
  // where a record comes from is not lost on its way
  const [row] = b.query("number | limit 1");
  assert.equal(row!.app, "in");
  await sender.end("SIGTERM");
  await a.stop();
  await b.stop();
  place.end();
});

test("with two targets nothing is lost, and what may be doubled is marked", async () => {
  const place = new Place();
  const input = place.path("in.log");
  writeFileSync(input, "");
  let first = await place.server("a");
  const second = await place.server("b");
  const sender = new Sender(["--spool", place.path("spool"), "--server", place.logs("a"), "--server", place.logs("b"), "--follow", input]);
  write(input, numbered(0, 500));
  await messages(first, 500);
  await first.signal("SIGKILL");
  write(input, numbered(500, 1000));
  const there = await eventually(() => second.query("number").map((row) => row._msg as string),
    (found) => numbered(500, 1000).every((line) => found.includes(line)));
  first = await place.server("a");
  write(input, numbered(1000, 1100));
  // it goes back to the first one when that is well again
  await eventually(() => [...first.query("number"), ...second.query("number")].map((row) => row._msg as string),
    (found) => numbered(1000, 1100).every((line) => found.includes(line)));
  const rows = [...first.query("number"), ...second.query("number")];
  assert.deepEqual(new Set(rows.map((row) => row._msg as string)), new Set(numbered(0, 1100)));
  const seen = new Map<string, Record<string, unknown>[]>();
  for (const row of rows) seen.set(row._msg as string, [...(seen.get(row._msg as string) ?? []), row]);
  for (const [message, copies] of seen) {
    if (copies.length > 1) assert.ok(copies.some((row) => row.sequence !== undefined && row.sender !== undefined), message);
  }
  assert.ok(there.length >= 500);
  await sender.end("SIGTERM");
  await first.stop();
  await second.stop();
  place.end();
});

/* A record that comes back is known by where it has been, and goes no further. */
test("a relay in a circle ends, and says so", async () => {
  const place = new Place();
  const a = await place.server("a", ["--relay-to", place.logs("b")]);
  const b = await place.server("b", ["--relay-to", place.logs("a")]);
  assert.equal(run(["send", "--server", place.logs("a")], "number 1\nnumber 2\n").code, 0);
  await messages(b, 2);
  const client = await LineClient.open({ host: "127.0.0.1", port: a.queryPort });
  const figure = async () => {
    client.send("STATS\n");
    return Number(/relay_loops=(\d+)/.exec((await client.line())!)![1]);
  };
  await eventually(figure, (n) => n >= 2);
  client.close();
  assert.equal(b.count("number"), 2);
  assert.equal(a.count("number"), 4); // once more, with relayed_by
  assert.equal(a.count("number relayed_by:*"), 2);
  await a.stop();
  await b.stop();
  place.end();
});

test("a target whose disk is full takes everything once it has room", { skip: process.getuid!() !== 0 && "needs root, to mount" }, async (t) => {
  const place = new Place();
  const mounted = spawnSync("sh", ["-c", `mkdir "${place.path("a")}" && mount -t tmpfs -o size=6m none "${place.path("a")}"`]);
  if (mounted.status !== 0) {
    t.skip("this place allows no mount");
    return;
  }
  try {
    const server = await place.server("a");
    const noise = random(2);
    const lines = numbered(0, 30_000).map((line) => `${line} ${Array.from({ length: 40 }, () => noise(2 ** 30).toString(36)).join("")}`);
    const input = place.path("in.log");
    writeFileSync(input, lines.map((line) => `${line}\n`).join(""));
    const sender = new Sender(["--spool", place.path("spool"), "--server", place.logs("a"), "--follow", input]);
    await eventually(() => sender.said, (said) => said.includes("relay.target_lost"));
    const before = server.count("number"); // questions are answered all the same
    assert.ok(before > 0 && before < lines.length, `${before}`);
    spawnSync("mount", ["-o", "remount,size=200m", place.path("a")]);
    assertExactly(await messages(server, lines.length), lines, "all of it");
    await sender.end("SIGTERM");
    await server.stop();
  } finally {
    spawnSync("umount", [place.path("a")]);
    place.end();
  }
});
