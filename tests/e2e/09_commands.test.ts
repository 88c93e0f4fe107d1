// SPDX-License-Identifier: Apache-2.0
//
// 09_commands.test.ts - the command line as people and scripts use it: exit codes, errors, forms of
// output, the conversation at a terminal.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";

import { patienceMs } from "./lib/client.js";
import { binary, run, type Server, withServer } from "./lib/server.js";

test("help and version", () => {
  assert.equal(run(["version"]).stdout.toString(), run(["--version"]).stdout.toString());
  assert.match(run(["version"]).stdout.toString(), /^logcaster \d+\.\d+\.\d+\n$/);
  for (const args of [["help"], ["--help"], ["help", "serve"], ["serve", "--help"], ["send", "-h"], ["query", "--help"], ["tail", "--help"]]) {
    const done = run(args);
    assert.equal(done.code, 0);
    assert.match(done.stdout.toString(), /Usage: logcaster/);
    assert.equal(done.stderr, "");
  }
});

const mistakes: [string[], RegExp][] = [
  [[], /Usage: logcaster/],
  [["serv"], /^logcaster: unknown command 'serv'; did you mean serve\?; 'logcaster help' lists them\n$/],
  [["help", "nothing"], /unknown command 'nothing'/],
  [["query", "--outptu", "raw"], /unknown option --outptu; did you mean --output\?/],
  [["query", "-o", "xml"], /--output xml: must be one of table, raw, json, csv/],
  [["serve", "--memory", "lots"], /--memory lots: not a size/],
  [["serve", "extra"], /serve takes no operands: extra/],
  [["serve", "--logs", "nonsense"], /nonsense/],
  [["send", "--level", "LOUD"], /--level LOUD: not a level/],
  [["query", "--server", "127.0.0.1:1", "x"], /cannot connect to 127\.0\.0\.1:1: Connection refused; is the server running\? Start it with: logcaster serve/],
  [["send", "--server", "udp://127.0.0.1:1"], /datagrams are not answered/],
];
for (const [args, text] of mistakes)
  test(`a mistake is explained: logcaster ${args.join(" ")}`, () => {
    const done = run(args);
    assert.equal(done.code, 2);
    assert.match(done.stderr, text);
    assert.equal(done.stdout.toString(), "");
  });

function ask(server: Server, ...args: string[]): ReturnType<typeof run> {
  return run(["query", "--server", server.queryAddress, ...args], "", { TZ: "UTC" });
}

test("send, then query in every form; exit codes as grep's", async () => {
  await withServer({}, async (server) => {
    const sent = run(["send", "--server", server.logsAddress, "--level", "error"], "disk, \"full\"\n둘째 줄\n");
    assert.deepEqual([sent.code, sent.stdout.toString(), sent.stderr], [0, "", ""]);

    assert.deepEqual([ask(server, "-o", "raw", "disk").stdout.toString(), ask(server, "disk").code], ["disk, \"full\"\n", 0]);
    assert.equal(ask(server, "nowhere").code, 1);
    assert.equal(ask(server, "disk", "OR", "둘째", "--count").stdout.toString(), "2\n");
    assert.equal(ask(server, "--count", "nowhere").code, 1);
    assert.match(ask(server, "-o", "csv", "disk").stdout.toString(), /^_time,level,host,app,_msg\n.*,ERROR,,,"disk, ""full"""\n$/);
    assert.match(ask(server, "disk").stdout.toString(), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  ERROR  .*disk, "full"\n$/);
    assert.match(ask(server, "--color", "always", "disk").stdout.toString(), /\u001b\[31mERROR\u001b\[0m/);
    const row = JSON.parse(ask(server, "-o", "json", "둘째").stdout.toString());
    assert.deepEqual([row._msg, row.level, row.space], ["둘째 줄", "ERROR", "main"]);
    assert.equal(ask(server, "-o", "raw", "-n", "1", "level:ERROR").stdout.toString(), "둘째 줄\n");
    assert.equal(ask(server, "-o", "csv", "level:ERROR | stats by (level) count() as n").stdout.toString(), "level,n\nERROR,2\n");

    const wrong = ask(server, "level:ERROR AND (disk");
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /^logcaster: .*column \d+/);
  });
});

test("what the server refuses is named by file and line", async () => {
  await withServer({}, async (server) => {
    const sent = run(["send", "--server", server.logsAddress], `short\n${"x".repeat(70_000)}\nshort too\n`);
    assert.equal(sent.code, 2);
    assert.match(sent.stderr, /standard input line 2 was not stored: .*64 KiB|65536/);
    assert.equal(server.count("short"), 2);
    const missing = run(["send", "--server", server.logsAddress, "/nowhere/at/all"]);
    assert.match(missing.stderr, /\/nowhere\/at\/all: No such file or directory/);
  });
});

/** A program at a pseudo-terminal of util-linux `script`; waits for what is shown. */
class Terminal {
  private shown = "";
  private readonly child;

  constructor(command: string) {
    this.child = spawn("script", ["-qefc", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, TERM: "xterm" } });
    this.child.stdout.on("data", (chunk: Buffer) => (this.shown += chunk.toString()));
  }

  type(text: string): void {
    this.child.stdin.write(text);
  }

  async see(text: RegExp): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!text.test(this.shown)) {
      if (Date.now() > deadline) assert.fail(`${text} was not shown:\n${this.shown}`);
      await Promise.race([new Promise((resolve) => this.child.stdout.once("data", resolve)), new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  }

  async end(): Promise<number | null> {
    if (this.child.exitCode === null) await new Promise((resolve) => this.child.once("exit", resolve));
    return this.child.exitCode;
  }
}

test("send at a terminal is a conversation", async () => {
  await withServer({}, async (server) => {
    const terminal = new Terminal(`${binary} send --server ${server.logsAddress}`);
    await terminal.see(/Connected to 127\.0\.0\.1:\d+/);
    terminal.type("hello from a terminal\n");
    await terminal.see(/ACK/);
    terminal.type("LOG|WARN||second\n");
    await terminal.see(/OK\|\d+/);
    terminal.type("PING\n");
    await terminal.see(/PONG/);
    terminal.type("quit\n");
    assert.equal(await terminal.end(), 0);
    assert.equal(server.count('"hello from a terminal" OR second'), 2);
  });
});

test("colour and alignment at a terminal", async () => {
  await withServer({}, async (server) => {
    run(["send", "--server", server.logsAddress, "-l", "WARN"], "\u001b[2Jclear the screen\n");
    const terminal = new Terminal(`${binary} query --server ${server.queryAddress} screen`);
    await terminal.see(/\u001b\[33mWARN/);
    await terminal.see(/\\x1b\[2Jclear the screen/); // shown, not acted on
    assert.equal(await terminal.end(), 0);
  });
});

test("the server dies in the middle: what was stored is said, and the exit code", async () => {
  await withServer({}, async (server) => {
    const sender = spawn(binary, ["send", "--server", server.logsAddress], { stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    sender.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const follower = spawn(binary, ["tail", "-n", "0", "-o", "raw", "--server", server.queryAddress], { stdio: ["ignore", "pipe", "ignore"] });
    const seen = new Promise((resolve) => follower.stdout.once("data", resolve));
    const feed = setInterval(() => sender.stdin.write("a line\n"), 5);
    sender.stdin.on("error", () => undefined);
    await seen; // something is stored
    const exited = new Promise<number | null>((resolve) => sender.once("exit", resolve));
    await server.signal("SIGTERM");
    assert.equal(await exited, 2);
    clearInterval(feed);
    assert.match(said, /stored up to before standard input line \d+|stored/);
    follower.kill();
  });
});
