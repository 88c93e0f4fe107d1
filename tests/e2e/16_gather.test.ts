// SPDX-License-Identifier: Apache-2.0
//
// 16_gather.test.ts - files, the journal and programs as inputs: rotated, truncated, killed, and
// counted exactly.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { makeDataDir, Server, withServer } from "./lib/server.js";

const rounds = Number(process.env.KILL_ROUNDS ?? 20);
const remote = "/lib/systemd/systemd-journal-remote";

interface Row {
  id: string;
  _msg: string;
  file?: string;
  [name: string]: unknown;
}

function makeLogDir(): string {
  return mkdtempSync(join(tmpdir(), "logcaster-logs-"));
}

/** A small generator, so that a failing round can be had again: its seed is in the message. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function countOf(client: LineClient, query: string): Promise<number> {
  client.send(`QUERY|COUNT|${query}\n`);
  const [, count] = await client.expectLines(3);
  return Number(/\d+$/.exec(count!)![0]);
}

/** All rows of the inputs, when there are as many as there must be. */
async function rowsOf(server: Server, expected: number): Promise<Row[]> {
  const client = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
  await eventually(() => countOf(client, "NOT app:logcaster"), (n) => n >= expected);
  client.close();
  return server.query("NOT app:logcaster") as Row[];
}

function assertExactly(rows: Row[], written: string[], label: string): void {
  const stored = rows.map((row) => row._msg);
  assert.equal(new Set(stored).size, stored.length, `${label}: something is stored twice`);
  assert.deepEqual(new Set(stored), new Set(written), label);
}

/** Files that a program writes and rotates as logrotate does. */
class Writer {
  readonly written: string[] = [];
  private rotations: number[] = [];
  private seen = new Set<number>();

  /** careful: a file is rotated only when its name has been followed. */
  constructor(private readonly dir: string, private readonly files: number,
    private readonly careful: boolean, private readonly below: (n: number) => number) {}

  /** All that is written has come, so each name that is there has been followed. */
  allSeen(): void {
    for (let file = 0; file < this.files; file++) if (existsSync(this.path(file))) this.seen.add(file);
  }

  private path(file: number): string {
    return join(this.dir, `app${file}.log`);
  }

  /** Some lines into some file; now and then the last one is written in two parts. */
  burst(): void {
    const file = this.below(this.files);
    let text = "";
    for (let i = 1 + this.below(40); i > 0; i--) {
      const line = `file ${file} line ${this.written.length} 로그 ${"한글 ".repeat(this.below(30))}`;
      this.written.push(line);
      text += `${line}\n`;
    }
    const octets = Buffer.from(text);
    const cut = this.below(octets.length);
    appendFileSync(this.path(file), octets.subarray(0, cut));
    appendFileSync(this.path(file), octets.subarray(cut));
  }

  rotate(): void {
    const file = this.below(this.files);
    const n = (this.rotations[file] ??= 0);
    if (this.careful && !this.seen.delete(file)) return;
    try {
      for (let i = n; i > 0; i--) renameSync(`${this.path(file)}.${i}`, `${this.path(file)}.${i + 1}`);
      renameSync(this.path(file), `${this.path(file)}.1`);
      this.rotations[file] = n + 1;
    } catch {
      // nothing was written into it yet
    }
  }
}

async function killRounds(pattern: string, careful: boolean): Promise<void> {
  const seed = Date.now() % 1_000_000;
  const below = random(seed);
  const data = makeDataDir();
  const logs = makeLogDir();
  const writer = new Writer(logs, 5, careful, below);
  const args = ["--follow", join(logs, pattern)];
  for (let round = 0; round < rounds; round++) {
    const server = await Server.start({ data, args });
    const work = async () => {
      for (let i = below(60); i > 0; i--) {
        writer.burst();
        if (below(20) === 0) writer.rotate();
        if (below(4) === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await work();
    if (below(2) === 0) {
      const client = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
      await eventually(() => countOf(client, "NOT app:logcaster"), (n) => n >= writer.written.length);
      client.close();
      writer.allSeen();
      await work();
    }
    await server.signal("SIGKILL");
    // and while nobody looks
    for (let i = below(10); i > 0; i--) {
      writer.burst();
      if (below(10) === 0) writer.rotate();
    }
  }
  const server = await Server.start({ data, args });
  const rows = await rowsOf(server, writer.written.length);
  assert.equal((await server.stop()).code, 0, server.log);
  assertExactly(rows, writer.written, `seed ${seed}`);
  rmSync(data, { recursive: true });
  rmSync(logs, { recursive: true });
}

test(`${rounds} rounds of SIGKILL while files grow and are rotated`, () => killRounds("*.log", true));
test(`${rounds} rounds with a pattern that fits rotated files too`, () => killRounds("*.log*", false));

test("a thousand files, a pattern that finds more later, and directories that come later", async () => {
  const logs = makeLogDir();
  const written: string[] = [];
  const write = (dir: string, i: number) => {
    const line = `line ${written.length} of ${dir} ${i}`;
    written.push(line);
    appendFileSync(join(logs, dir, `${i}.log`), `${line}\n`);
  };
  mkdirSync(join(logs, "first"));
  for (let i = 0; i < 500; i++) write("first", i);
  await withServer({ args: ["--follow", join(logs, "*", "*.log")] }, async (server) => {
    mkdirSync(join(logs, "second"));
    for (let i = 0; i < 500; i++) write("second", i);
    for (let i = 0; i < 500; i++) write("first", i);
    assertExactly(await rowsOf(server, written.length), written, "all");
  });
  rmSync(logs, { recursive: true });
});

test("a file is copied and truncated, removed, and made again", async () => {
  const logs = makeLogDir();
  const path = join(logs, "app.log");
  await withServer({ args: ["--follow", path] }, async (server) => {
    const written: string[] = [];
    const write = (line: string, fd?: number) => {
      written.push(line);
      if (fd === undefined) appendFileSync(path, `${line}\n`);
      else writeSync(fd, `${line}\n`);
    };
    write("before");
    await rowsOf(server, 1);
    writeFileSync(path, "");
    write("after it was truncated");
    await rowsOf(server, 2);
    // longer than before, and at once
    written.push("truncated and written anew, longer than it ever was before");
    writeFileSync(path, `${written[2]}\n`);
    await rowsOf(server, 3);
    const fd = openSync(path, "a");
    unlinkSync(path);
    write("into the removed file", fd);
    write("into a new one");
    assertExactly(await rowsOf(server, 5), written, "all");
  });
  rmSync(logs, { recursive: true });
});

test("a line without an end is kept when its file is gone, long ones are cut at a character", async () => {
  const logs = makeLogDir();
  const path = join(logs, "app.log");
  await withServer({ args: ["--follow", path, "--line-max", "1K"] }, async (server) => {
    appendFileSync(path, `${"가".repeat(1000)}\n${"x".repeat(3_000_000)}나\nshort\nno end`);
    await rowsOf(server, 3);
    unlinkSync(path);
    const rows = await rowsOf(server, 4);
    assert.deepEqual(rows.map((row) => [row._msg, row.truncated]), [
      ["가".repeat(341), true],
      ["x".repeat(1024), true],
      ["short", undefined],
      ["no end", undefined],
    ]);
  });
  rmSync(logs, { recursive: true });
});

test("a disk that fails loses nothing of files", async () => {
  const logs = makeLogDir();
  const data = makeDataDir();
  const path = join(logs, "app.log");
  const written: string[] = [];
  const write = (lines: number) => {
    let text = "";
    for (let i = 0; i < lines; i++) {
      written.push(`line ${written.length} ${"y".repeat(100)}`);
      text += `${written[written.length - 1]}\n`;
    }
    appendFileSync(path, text);
  };
  const server = await Server.start({ data, args: ["--follow", path, "--exec", "sleep 1000"] });
  const limit = (octets: string) => {
    const done = spawnSync("prlimit", ["--pid", String(server.process.pid), `--fsize=${octets}:unlimited`]);
    assert.equal(done.status, 0, done.stderr.toString());
  };
  write(1000);
  await rowsOf(server, 1000);
  limit("200000"); // no file may grow further
  write(20_000);
  await eventually(() => server.log, (log) => /not_durable|gather\.waits/.test(log));
  limit("unlimited");
  assertExactly(await rowsOf(server, written.length), written, "all");
  assert.equal((await server.stop()).code, 0, server.log);
  rmSync(data, { recursive: true });
  rmSync(logs, { recursive: true });
});

/** Entries in the export format. */
function entries(from: number, to: number): Buffer {
  const parts: Buffer[] = [];
  for (let i = from; i < to; i++) {
    parts.push(Buffer.from(
      `__REALTIME_TIMESTAMP=${1_700_000_000_000_000 + i * 1000}\n__MONOTONIC_TIMESTAMP=${i * 1000}\n` +
      "_BOOT_ID=0123456789abcdef0123456789abcdef\n" +
      `MESSAGE=entry ${i} 저널\nPRIORITY=3\nSYSLOG_IDENTIFIER=app${i % 3}\n_COMM=binary\n_PID=${i}\nSYSLOG_PID=${i}\n` +
      "_HOSTNAME=far\nSYSLOG_FACILITY=3\n_SYSTEMD_UNIT=x.service\nMY_FIELD=mine\n_CAP_EFFECTIVE=0\nBINARY\n"));
    const value = Buffer.from("a\nb\0c");
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(value.length));
    parts.push(length, value, Buffer.from("\n\n"));
  }
  return Buffer.concat(parts);
}

function addToJournal(file: string, from: number, to: number): void {
  const done = spawnSync(remote, ["-o", file, "-"], { input: entries(from, to) });
  assert.equal(done.status, 0, done.stderr.toString());
}

test("the journal of systemd: its fields, its rotation, and kills", async () => {
  const dir = makeLogDir();
  const data = makeDataDir();
  const journal = join(dir, "system.journal");
  const args = ["--journald-path", dir];
  const written: string[] = [];
  const add = (file: string, count: number) => {
    const from = written.length;
    for (let i = from; i < from + count; i++) written.push(`entry ${i} 저널`);
    addToJournal(file, from, from + count);
  };
  add(journal, 100);
  let server = await Server.start({ data, args });
  const [first] = (await rowsOf(server, 100)) as unknown as Record<string, unknown>[];
  assert.equal(first!._time, "2023-11-14T22:13:20Z");
  assert.equal(first!.level, "ERROR");
  assert.equal(first!.app, "app0");
  assert.equal(first!.comm, "binary");
  assert.equal(first!.host, "far");
  assert.equal(first!.pid, "0");
  assert.equal(first!.facility, "daemon");
  assert.equal(first!.unit, "x.service");
  assert.equal(first!.my_field, "mine");
  assert.equal(first!.binary, "a\nb\0c");
  assert.equal(first!._cap_effective, undefined);
  for (let round = 0; round < 5; round++) {
    add(journal, 400); // while it is being read
    if (round % 2 === 0) await rowsOf(server, 100 * round + 101);
    await server.signal("SIGKILL");
    if (round === 2) renameSync(journal, join(dir, "system@old.journal"));
    add(journal, 20);
    server = await Server.start({ data, args });
  }
  assertExactly(await rowsOf(server, written.length), written, "all");
  assert.equal((await server.stop()).code, 0, server.log);
  rmSync(data, { recursive: true });
  rmSync(dir, { recursive: true });
});

test("only entries that match", async () => {
  const dir = makeLogDir();
  addToJournal(join(dir, "system.journal"), 0, 30);
  await withServer({ args: ["--journald-path", dir, "--journald-match", "SYSLOG_IDENTIFIER=app1"] }, async (server) => {
    const rows = await rowsOf(server, 10);
    assert.ok(rows.every((row) => row.app === "app1"));
  });
  rmSync(dir, { recursive: true });
});

test("a program's output, its end and its new start", async () => {
  const args = ["--exec", "echo out; echo '[error] err' >&2; exit 3", "--app", "job"];
  await withServer({ args }, async (server) => {
    const rows = await rowsOf(server, 4); // twice
    const out = rows.find((row) => row.stream === "stdout")!;
    const err = rows.find((row) => row.stream === "stderr")!;
    assert.deepEqual([out._msg, out.app, out.level], ["out", "job", undefined]);
    assert.deepEqual([err._msg, err.app, err.level], ["[error] err", "job", "ERROR"]);
    assert.match(server.log, /gather\.program_ended .*code=3/);
  });
});

test("stack traces are one record", async () => {
  const logs = makeLogDir();
  const path = join(logs, "app.log");
  await withServer({ args: ["--follow", path, "--join", "traces"] }, async (server) => {
    const trace = "ERROR failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException\n\t... 3 more";
    appendFileSync(path, `${trace}\nINFO next\n`);
    const rows = await rowsOf(server, 2);
    assert.deepEqual(rows.map((row) => row._msg), [trace, "INFO next"]);
  });
  rmSync(logs, { recursive: true });
});

test("an expression that is none is told", () => {
  const done = spawnSync(process.env.LOGCASTER ?? join(process.cwd(), "../../build-asan/logcaster"),
    ["serve", "--follow", "x", "--join-start", "(a"]);
  assert.equal(done.status, 2);
  assert.match(done.stderr.toString(), /--join-start.*missing closing parenthesis.*\(a/);
});
