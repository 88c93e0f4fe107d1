// SPDX-License-Identifier: Apache-2.0
//
// lib/server.ts - the real binary under test: started on free ports and a data folder of its own,
// stopped, killed and started again.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The binary: built by `make check`, or named by LOGCASTER. */
export const binary = process.env.LOGCASTER ?? join(process.cwd(), "../../build-asan/logcaster");

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Ran extends Exit {
  stdout: Buffer;
  stderr: string;
}

/** Runs a command to its end. */
export function run(args: string[], input: string | Buffer = "", env: NodeJS.ProcessEnv = {}): Ran {
  const done = spawnSync(binary, args, {
    input,
    env: { ...process.env, ...env },
    maxBuffer: 1 << 30,
    timeout: 120_000,
  });
  return { code: done.status, signal: done.signal, stdout: done.stdout, stderr: done.stderr.toString() };
}

export function makeDataDir(): string {
  return mkdtempSync(join(tmpdir(), "logcaster-"));
}

export interface Options {
  data?: string; // kept by the caller when given
  args?: string[];
  env?: NodeJS.ProcessEnv;
}

export class Server {
  /** All that was written to standard error. */
  log = "";
  /** What it said when it was ready. */
  ready = "";
  logsPort = 0;
  queryPort = 0;

  private constructor(
    readonly process: ChildProcess,
    readonly data: string,
    private readonly ownsData: boolean,
  ) {}

  static async start(options: Options = {}): Promise<Server> {
    const data = options.data ?? makeDataDir();
    const args = ["serve", "--data", data, "--workers", "2", "--memory", "64M",
      "--logs", ":0", "--query", "127.0.0.1:0",
      // a test may connect as often as it likes
      "--logs-connections-rate", "none", "--query-connections-rate", "none", ...(options.args ?? [])];
    const child = spawn(binary, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    const server = new Server(child, data, options.data === undefined);
    child.stderr!.on("data", (chunk: Buffer) => (server.log += chunk.toString()));
    await server.awaitReady();
    return server;
  }

  private awaitReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.process.stdout!.on("data", (chunk: Buffer) => {
        this.ready += chunk.toString();
        const logs = /^ *logs +\S+:(\d+) .*\n/m.exec(this.ready);
        const query = /^ *query +\S+:(\d+) .*\n/m.exec(this.ready);
        if (logs === null || query === null || !/^Ask:/m.test(this.ready)) return;
        this.logsPort = Number(logs[1]);
        this.queryPort = Number(query[1]);
        resolve();
      });
      this.process.once("exit", (code, signal) =>
        reject(new Error(`the server ended (${code ?? signal}):\n${this.log}`)));
    });
  }

  /** The TCP port (and UDP, where it has both) of a service that the test has switched on. */
  port(service: "forward" | "gelf"): number {
    const found = new RegExp(`^ *${service} +\\S+:(\\d+)`, "m").exec(this.ready);
    if (found === null) throw new Error(`${service} is not on:\n${this.ready}`);
    return Number(found[1]);
  }

  get logsAddress(): string {
    return `127.0.0.1:${this.logsPort}`;
  }

  get queryAddress(): string {
    return `127.0.0.1:${this.queryPort}`;
  }

  socket(name: "logs.sock" | "logs.dgram" | "query.sock"): string {
    return join(this.data, name);
  }

  /** `logcaster query`, its output as JSON rows. */
  query(text: string): Record<string, unknown>[] {
    const done = run(["query", "--server", this.queryAddress, "-o", "json", text]);
    if (done.code !== 0 && done.code !== 1) throw new Error(`query: ${done.stderr}`);
    return done.stdout.toString().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  count(text: string): number {
    const done = run(["query", "--server", this.queryAddress, "--count", text]);
    if (done.code !== 0 && done.code !== 1) throw new Error(`query: ${done.stderr}`);
    return Number(done.stdout.toString());
  }

  /** The exit after a signal; SIGKILL leaves the data as a crash does. */
  async signal(signal: NodeJS.Signals): Promise<Exit> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, "exit");
      this.process.kill(signal);
      await exited;
    }
    return { code: this.process.exitCode, signal: this.process.signalCode };
  }

  /** Ends the server in order, and removes its data when it is its own. */
  async stop(): Promise<Exit> {
    const exit = await this.signal("SIGTERM");
    if (this.ownsData) rmSync(this.data, { recursive: true, force: true });
    return exit;
  }
}

/** Runs `body` with a server, which ends with it; a sanitizer's report fails the test. */
export async function withServer(options: Options, body: (server: Server) => Promise<void>): Promise<void> {
  const server = await Server.start(options);
  let exit: Exit | undefined;
  try {
    await body(server);
  } finally {
    exit = await server.stop();
  }
  if (/AddressSanitizer|runtime error:|LeakSanitizer/.test(server.log)) throw new Error(server.log);
  if (exit.code !== 0) throw new Error(`the server ended with ${exit.code ?? exit.signal}:\n${server.log}`);
}
