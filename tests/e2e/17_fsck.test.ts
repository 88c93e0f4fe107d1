// SPDX-License-Identifier: Apache-2.0
//
// 17_fsck.test.ts - logcaster fsck on folders of the real server: in use, sound, damaged.

import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { makeDataDir, run, Server } from "./lib/server.js";

/** One octet of the file becomes another one. */
function damage(path: string, at: number): void {
  const file = openSync(path, "r+");
  const octet = Buffer.alloc(1);
  readSync(file, octet, 0, 1, at);
  octet[0]! ^= 0x10;
  writeSync(file, octet, 0, 1, at);
  closeSync(file);
}

test("a folder is in use, sound, damaged; the server runs on it all the same", async () => {
  const data = makeDataDir();
  let server = await Server.start({ data });
  const busy = run(["fsck", data]);
  assert.equal(busy.code, 2);
  assert.match(busy.stderr, /a server runs on it; stop it first/);
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`).join("\n");
  assert.equal(run(["send", "--server", `127.0.0.1:${server.logsPort}`], lines + "\n").code, 0);
  await server.stop();

  const sound = run(["fsck", data]);
  assert.equal(sound.code, 0, sound.stdout.toString());
  assert.match(sound.stdout.toString(), /It is sound\.\n$/);

  const wal = readdirSync(join(data, "wal")).sort()[0]!;
  damage(join(data, "wal", wal), 20); // its header: which file it is
  const text = run(["fsck", data]);
  assert.equal(text.code, 1);
  assert.match(text.stdout.toString(), new RegExp(`damage: wal/${wal}`));
  const json = run(["fsck", "-o", "json", data]);
  assert.equal(json.code, 1);
  const told = json.stdout.toString().trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(told.at(-1).sound, false);
  assert.ok(told.some((line) => line.kind === "wal" && line.file === `wal/${wal}`));

  server = await Server.start({ data });
  await server.stop();
  damage(join(data, "MANIFEST"), 3);
  const manifest = run(["fsck", data]);
  assert.equal(manifest.code, 1);
  assert.match(manifest.stdout.toString(), /damage: MANIFEST/);
  const repaired = run(["fsck", "--repair", data]);
  assert.equal(repaired.code, 1, repaired.stderr);
  assert.match(repaired.stdout.toString(), /MANIFEST is made anew/);
  assert.ok(readdirSync(join(data, "lost+found")).includes("MANIFEST"));
  assert.equal(run(["fsck", data]).code, 0);
  server = await Server.start({ data });
  const found = run(["query", "--server", `127.0.0.1:${server.queryPort}`, "--count", "line"]);
  assert.equal(found.stdout.toString(), "500\n");
  await server.stop();
  rmSync(data, { recursive: true });
});

test("what is no data folder cannot be checked", () => {
  const data = makeDataDir();
  for (const dir of [data, join(data, "nothing")]) {
    const done = run(["fsck", dir]);
    assert.equal(done.code, 2);
    assert.notEqual(done.stderr, "");
  }
  rmSync(data, { recursive: true });
});
