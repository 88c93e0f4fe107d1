// SPDX-License-Identifier: Apache-2.0
//
// lib/programs.ts - other people's programs that send logs: run to their end, or beside a test.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { eventually } from "./client.js";
import type { Server } from "./server.js";

export type Row = Record<string, unknown>;

/** Runs a program that must succeed. */
export function exec(command: string, args: string[], input = ""): void {
  const done = spawnSync(command, args, { input, timeout: 30_000 });
  assert.equal(done.error, undefined, `${command} is not installed? make check installs what the tests need`);
  assert.equal(done.status, 0, `${command} ${args.join(" ")}: ${done.stderr}`);
}

/** The one record that a query finds, once it is there. */
export async function found(server: Server, query: string): Promise<Row> {
  const rows = await eventually(() => server.query(query), (all) => all.length > 0);
  assert.equal(rows.length, 1, JSON.stringify(rows));
  return rows[0]!;
}

/** The one record with this message, once it is there. */
export async function theRecord(server: Server, message: string): Promise<Row> {
  const row = await found(server, `"${message}"`);
  assert.equal(row._msg, message);
  return row;
}

/** The time that the sender wrote is that of the record: it was now. */
export function isNow(row: Row): void {
  assert.ok(Math.abs(Date.now() - Date.parse(row._time as string)) < 120_000, `time is ${row._time}`);
}

/** A folder that is gone after `body`. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "programs-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A program that runs while `body` does; what it says is shown when that fails. `fd` becomes its
 *  descriptor 3. */
export async function withProgram(command: string, args: string[], body: () => Promise<void>, fd?: number): Promise<void> {
  const program = spawn(command, args, { stdio: ["ignore", "pipe", "pipe", ...(fd === undefined ? [] : [fd])] });
  let said = "";
  for (const stream of [program.stdout!, program.stderr!]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await once(program, "spawn");
  const ended = once(program, "exit").then(([code, signal]) => {
    throw new Error(`it ended with ${code ?? signal}`);
  });
  ended.catch(() => undefined); // when `body` is through, that is no error
  try {
    await Promise.race([body(), ended]);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${command} said:\n${said}`, { cause: error });
  } finally {
    if (program.exitCode === null && program.signalCode === null) {
      const exited = once(program, "exit");
      program.kill("SIGKILL");
      await exited;
    }
  }
}
