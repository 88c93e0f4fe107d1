// SPDX-License-Identifier: Apache-2.0
//
// 12_unit.test.ts - the server as a unit of systemd: what it tells the manager, the watchdog, sockets
// that it is given, its log.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { binary, makeDataDir, run, withServer } from "./lib/server.js";

const dir = mkdtempSync(join(tmpdir(), "logcaster-unit-"));
after(() => rmSync(dir, { recursive: true, force: true }));

/** What comes to a datagram socket; Node has none of its own for Unix. */
class Received {
  text = "";
  private constructor(readonly path: string, private readonly child: ChildProcess) {
    child.stdout!.on("data", (chunk: Buffer) => (this.text += chunk.toString()));
  }

  static async open(name: string): Promise<Received> {
    const path = join(dir, name);
    const child = spawn("socat", ["-u", `UNIX-RECV:${path}`, "STDOUT"], { stdio: ["ignore", "pipe", "inherit"] });
    await eventually(() => existsSync(path), (there) => there);
    return new Received(path, child);
  }

  has(pattern: RegExp): Promise<string> {
    return eventually(() => this.text, (text) => pattern.test(text));
  }

  close(): void {
    this.child.kill();
  }
}

test("the manager is told: ready, reloading, alive, stopping", async () => {
  const notify = await Received.open("notify");
  const path = join(dir, "logcaster.yaml");
  writeFileSync(path, "acks: auto\n");
  await withServer({ args: ["--config", path], env: { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: "400000" } },
    async (server) => {
      await notify.has(new RegExp(`READY=1\nSTATUS=Taking records on \\S+:${server.logsPort}, ` +
        `answering on 127\\.0\\.0\\.1:${server.queryPort}`));
      await notify.has(/(WATCHDOG=1.*){3}/s);
      writeFileSync(path, "acks: 'on'\n");
      server.process.kill("SIGHUP");
      await notify.has(/RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=.*READY=1/s);
      writeFileSync(path, "acks: wrong\n");
      server.process.kill("SIGHUP"); // it runs on, and says so
      await notify.has(/(RELOADING=1.*READY=1.*){2}/s);
    });
  await notify.has(/STOPPING=1/);
  notify.close();
});

/** Started as systemd does it: descriptors from 3 on, their names and the process they are for. */
function startWith(sockets: NetServer[], names: string, data: string): ChildProcess {
  const handles = sockets.map((s) => (s as unknown as { _handle: { fd: number } })._handle.fd);
  return spawn("sh", ["-c", 'LISTEN_PID=$$ exec "$0" "$@"', binary, "serve", "--data", data, "--workers", "2",
    "--memory", "64M"], {
    stdio: ["ignore", "pipe", "pipe", ...handles],
    env: { ...process.env, LISTEN_FDS: String(handles.length), LISTEN_FDNAMES: names },
  });
}

async function listening(): Promise<{ server: NetServer; port: number }> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as { port: number }).port };
}

test("sockets of the manager are taken instead of addresses", async () => {
  const [logs, query] = [await listening(), await listening()];
  const data = makeDataDir();
  const child = startWith([logs.server, query.server], "logs:query", data);
  let log = "";
  child.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
  await eventually(() => log, (text) => (text.match(/server\.socket_from_manager/g) ?? []).length === 2);
  // ours would take its connections too
  logs.server.close();
  query.server.close();
  const client = await LineClient.open({ host: "127.0.0.1", port: logs.port });
  client.send("through a given socket\n");
  assert.equal(await client.line(), "ACK");
  client.close();
  const done = run(["query", "--server", `127.0.0.1:${query.port}`, "-o", "raw", "given"]);
  assert.equal(done.stdout.toString(), "through a given socket\n");
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
  assert.doesNotMatch(log, /:9999|:9998/);
  rmSync(data, { recursive: true, force: true });
});

test("a socket whose name says nothing is refused, with what it could be", async () => {
  const { server } = await listening();
  const data = makeDataDir();
  const child = startWith([server], "logcaster.socket", data);
  let log = "";
  child.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
  assert.deepEqual(await once(child, "exit"), [2, null]);
  assert.match(log, /socket 3 from the service manager, named logcaster\.socket: not the name of a service; FileDescriptorName= is one of logs query/);
  server.close();
  rmSync(data, { recursive: true, force: true });
});

test("the own log as JSON can be stored again", async () => {
  await withServer({ args: ["--log-format", "json"] }, async (server) => {
    await eventually(() => server.log, (text) => text.includes("server.started"));
    const line = server.log.split("\n").find((l) => l.includes("server.started")) ?? "";
    const event = JSON.parse(line);
    assert.equal(event._msg, "server.started");
    assert.equal(event.level, "INFO");
    assert.equal(event.workers, 2);
    assert.equal(run(["send", "--server", server.logsAddress], "x\n").code, 0);
    const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
    client.send(line.replace("server.started", "again.started") + "\n");
    await eventually(() => server.count('"again.started"'), (n) => n === 1);
    client.close();
    const row = server.query('"again.started"')[0];
    assert.equal(row.app, "logcaster");
    assert.equal(row.level, "INFO");
  });
});
