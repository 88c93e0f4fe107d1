// SPDX-License-Identifier: Apache-2.0
//
// 01_life.test.ts - starting, being in the way of others, running out of descriptors, stopping.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, connect, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { binary, makeDataDir, run, Server, withServer } from "./lib/server.js";

for (const io of ["epoll", "io_uring", "poll", "select"])
  test(`a server says where to send and where to ask, and stops with 0: ${io}`, async () => {
    await withServer({ args: ["--io", io] }, async (server) => {
      assert.match(server.ready, new RegExp(`127\\.0\\.0\\.1:${server.logsPort}`));
      assert.match(server.ready, /logcaster send/);
      assert.match(server.ready, /logcaster query/);
      assert.match(server.ready, /logger /);
      assert.equal(statSync(server.socket("logs.sock")).mode & 0o777, 0o666);
      assert.equal(statSync(server.socket("logs.dgram")).mode & 0o777, 0o666);
      assert.equal(statSync(server.socket("query.sock")).mode & 0o777, 0o660);
      assert.equal(run(["send", "--server", server.logsAddress], "through the backend\n").code, 0);
      assert.equal(server.count("backend"), 1);
    });
  });

test("SIGINT ends it as SIGTERM does, and its sockets go", async () => {
  const data = makeDataDir();
  const server = await Server.start({ data });
  assert.deepEqual(await server.signal("SIGINT"), { code: 0, signal: null });
  assert.equal(existsSync(server.socket("logs.sock")), false);
  rmSync(data, { recursive: true });
});

test("a second server on the same data is refused", async () => {
  await withServer({}, async (server) => {
    const second = run(["serve", "--data", server.data, "--logs", "127.0.0.1:0", "--query", "127.0.0.1:0"]);
    assert.equal(second.code, 2);
    assert.match(second.stderr, new RegExp(`${server.data}.*(in use|pid ${server.process.pid})`, "s"));
    assert.match(second.stderr, new RegExp(`${server.process.pid}`));
    assert.equal(server.count("*") >= 0, true); // the first is unharmed
  });
});

test("a port that is taken: who holds it, and which option moves ours", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const port = (holder.address() as { port: number }).port;
  for (const option of ["--logs", "--query"]) {
    const other = option === "--logs" ? "--query" : "--logs";
    const data = makeDataDir();
    const done = run(["serve", "--data", data, option, `127.0.0.1:${port}`, other, "127.0.0.1:0"]);
    assert.equal(done.code, 2);
    assert.match(done.stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
    assert.match(done.stderr, new RegExp(`pid ${process.pid}`));
    assert.match(done.stderr, new RegExp(option));
    rmSync(data, { recursive: true });
  }
  holder.close();
});

test("two servers never share a port unawares", async () => {
  await withServer({}, async (server) => {
    const data = makeDataDir();
    const done = run(["serve", "--data", data, "--logs", `127.0.0.1:${server.logsPort}`, "--query", "127.0.0.1:0"]);
    assert.equal(done.code, 2);
    assert.match(done.stderr, new RegExp(`pid ${server.process.pid}`));
    rmSync(data, { recursive: true });
  });
});

test("a stale socket path is taken over; one that answers, or is no socket, is not", async () => {
  const data = makeDataDir();
  const first = await Server.start({ data });
  await first.signal("SIGKILL");
  assert.ok(existsSync(first.socket("logs.sock")));
  const second = await Server.start({ data });
  await second.stop();

  const path = join(data, "logs.sock");
  writeFileSync(path, "precious");
  const third = run(["serve", "--data", data, "--logs", "none", "--query", "none"]);
  assert.equal(third.code, 2);
  assert.match(third.stderr, /logs\.sock/);
  assert.equal(readFileSync(path, "utf8"), "precious");
  rmSync(path);

  const living = createServer().listen(path);
  await once(living, "listening");
  const fourth = run(["serve", "--data", data, "--logs", "none", "--query", "none"]);
  assert.equal(fourth.code, 2);
  assert.match(fourth.stderr, /logs\.sock/);
  living.close();
  rmSync(data, { recursive: true });
});

test("a folder that cannot be written is a clear error", { skip: process.getuid!() === 0 && "root may write everywhere" }, () => {
  const data = makeDataDir();
  chmodSync(data, 0o500);
  const done = run(["serve", "--data", data, "--logs", "none", "--query", "none"]);
  assert.equal(done.code, 2);
  assert.match(done.stderr, /Permission denied/);
  rmSync(data, { recursive: true });
});

test("a data folder that is a file is a clear error", () => {
  const data = makeDataDir();
  const path = join(data, "file");
  writeFileSync(path, "");
  const done = run(["serve", "--data", path, "--logs", "none", "--query", "none"]);
  assert.equal(done.code, 2);
  assert.match(done.stderr, /file/);
  rmSync(data, { recursive: true });
});

/** User and system time of a process, in clock ticks. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

for (const io of ["epoll", "io_uring", "poll", "select"])
  test(`out of descriptors: it does not spin, and goes on afterwards: ${io}`, async () => {
    await withServer({ args: ["--io", io] }, async (server) => {
      const limited = spawnSync("prlimit", ["--pid", `${server.process.pid}`, "--nofile=64:64"]);
      assert.equal(limited.status, 0, limited.stderr.toString());
      const crowd: Socket[] = [];
      for (let i = 0; i < 120; i++) {
        const socket = connect({ host: "127.0.0.1", port: server.logsPort });
        socket.on("error", () => undefined);
        await once(socket, "connect");
        crowd.push(socket);
      }
      // a spinning process uses one tick of CPU for each tick that passes
      const before = cpuTicks(server.process.pid!);
      const waited = 100;
      await new Promise((resolve) => setTimeout(resolve, waited * 10));
      assert.ok(cpuTicks(server.process.pid!) - before < waited / 2, "it spins");
      for (const socket of crowd) socket.destroy();
      const client = await eventually(async () => {
        const one = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
        one.send("PING\n");
        return one;
      }, (one) => one !== undefined);
      assert.equal(await client.line(), "PONG");
      client.close();
    });
  });

test("SIGTERM under load: what was sent before it is answered", async () => {
  const data = makeDataDir();
  const server = await Server.start({ data });
  const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
  for (let i = 0; i < 500; i++) client.send(`LOG|INFO||line ${i}\n`);
  await client.expectLines(1);
  const exit = server.signal("SIGTERM");
  const answers = (await client.rest()).filter((line) => line.startsWith("OK|"));
  assert.deepEqual(await exit, { code: 0, signal: null });
  const again = await Server.start({ data });
  assert.ok(again.count("line") >= answers.length + 1);
  await again.stop();
  rmSync(data, { recursive: true });
});

test("a peer that goes away while it is answered does no harm", async () => {
  await withServer({}, async (server) => {
    for (let i = 0; i < 50; i++) {
      const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
      client.send("LOG|INFO||gone\n".repeat(100));
      client.socket.resetAndDestroy();
    }
    assert.equal(run(["send", "--server", server.logsAddress], "still here\n").code, 0);
    assert.equal(server.count('"still here"'), 1);
    assert.ok(existsSync(binary));
  });
});
