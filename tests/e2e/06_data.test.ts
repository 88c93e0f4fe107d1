// SPDX-License-Identifier: Apache-2.0
//
// 06_data.test.ts - what goes in comes back byte for byte: real logs, Korean, emoji, control
// characters, octets that are not UTF-8; also after a restart, when it comes from segments.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { makeDataDir, run, Server, withServer } from "./lib/server.js";

const samples = process.env.SAMPLES ?? join(process.cwd(), "../../../shared/data");

/** The lines that `logcaster send` stores of a file: empty ones are skipped, CR before LF is part
 *  of the line's end. */
function storedLines(octets: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = octets.indexOf(10, at);
    const next = end < 0 ? octets.length : end;
    const cut = end > at && octets[end - 1] === 13 ? end - 1 : next;
    if (cut > at) lines.push(octets.subarray(at, cut));
    at = next + 1;
  }
  return lines;
}

function sendFile(server: Server, path: string): void {
  const sent = run(["send", "--server", server.logsAddress, path]);
  assert.equal(sent.code, 0, sent.stderr);
}

/** All messages in the order of their ids: the order in which one connection sent them. */
function messages(server: Server): Buffer[] {
  const done = run(["query", "--server", server.queryAddress, "-o", "json", "NOT app:logcaster"]);
  assert.equal(done.code, 0, done.stderr);
  const rows = done.stdout.toString().split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { id: string; _msg?: string; _msg_base64?: string });
  rows.sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  return rows.map((row) => row._msg_base64 !== undefined ? Buffer.from(row._msg_base64, "base64")
    : Buffer.from(row._msg!, "utf8"));
}

function sameLines(got: Buffer[], expected: Buffer[]): void {
  assert.equal(got.length, expected.length);
  const different = expected.findIndex((line, index) => !line.equals(got[index]!));
  if (different >= 0)
    assert.fail(`line ${different}: ${got[different]!.toString("latin1")} for ${expected[different]!.toString("latin1")}`);
}

/** Every octet but LF, alone and in company, and text that breaks naive code. */
function hostileLines(): Buffer {
  const lines: Buffer[] = [];
  for (let octet = 0; octet < 256; octet++)
    if (octet !== 10 && octet !== 13) lines.push(Buffer.from([octet]), Buffer.from([0x61, octet, 0x62]));
  lines.push(Buffer.from("a\rb"), Buffer.from("한국어 로그: 연결이 거부되었습니다"), Buffer.from("👩‍👩‍👧‍👦 🇰🇷 é"),
    Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0xc0, 0xaf]), Buffer.from([0xf4, 0x90, 0x80, 0x80]),
    Buffer.from("\u001b[31mred\u001b[0m"), Buffer.from("LOG|ERROR|1|x"), Buffer.from("QUERY|KEYWORD|x"),
    Buffer.from("<13>Oct 11 22:14:15 host app: x"), Buffer.from("quit"), Buffer.from("\\n \\r \\\\ | ||"),
    Buffer.alloc(60_000, "x"), Buffer.from("가".repeat(20_000)));
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
}

async function roundTrip(path: string): Promise<void> {
  const data = makeDataDir();
  const expected = storedLines(readFileSync(path));
  const first = await Server.start({ data });
  sendFile(first, path);
  sameLines(messages(first), expected);
  assert.equal((await first.stop()).code, 0, first.log);
  await withServer({ data }, async (second) => sameLines(messages(second), expected));
  rmSync(data, { recursive: true });
}

test("hostile lines come back byte for byte", async () => {
  const folder = mkdtempSync(join(tmpdir(), "logcaster-"));
  const path = join(folder, "hostile.log");
  writeFileSync(path, hostileLines());
  await roundTrip(path);
  rmSync(folder, { recursive: true });
});

test("a last line without its newline is stored", async () => {
  await withServer({}, async (server) => {
    const sent = run(["send", "--server", server.logsAddress], "first\n\nlast");
    assert.equal(sent.code, 0, sent.stderr);
    sameLines(messages(server), [Buffer.from("first"), Buffer.from("last")]);
  });
});

const files = existsSync(samples) ? readdirSync(samples).filter((file) => file.endsWith(".log")) : [];
for (const file of files)
  test(`real logs come back byte for byte: ${file}`, () => roundTrip(join(samples, file)));
