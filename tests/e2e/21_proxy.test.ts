// SPDX-License-Identifier: Apache-2.0
//
// 21_proxy.test.ts - the PROXY protocol: by hand, and from a real HAProxy.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { type Server, withServer } from "./lib/server.js";

const trusting = { args: ["--logs-trust-proxy", "127.0.0.1"] };

async function answer(server: Server, octets: string | Buffer, localAddress = "127.0.0.1"): Promise<string | undefined> {
  const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort, localAddress });
  client.send(octets);
  const line = await client.line();
  client.close();
  return line;
}

test("a trusted proxy names its client", async () => {
  await withServer(trusting, async (server) => {
    assert.match((await answer(server, "PROXY TCP4 192.0.2.7 198.51.100.1 51514 9999\r\nLOG|INFO||first\n")) ?? "", /^OK\|/);
    const v2 = Buffer.concat([Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"), Buffer.from([0x21, 0x21, 0, 36]),
      Buffer.from("20010db8000000000000000000000007", "hex"), Buffer.alloc(16), Buffer.from([0x02, 0x02, 0x27, 0x0f]),
      Buffer.from("LOG|INFO||second\n")]);
    assert.match((await answer(server, v2)) ?? "", /^OK\|/);
    assert.match((await answer(server, "LOG|INFO||third\n")) ?? "", /^OK\|/);
    assert.equal(server.query("first")[0]!.source, "192.0.2.7:51514");
    assert.equal(server.query("second")[0]!.source, "[2001:db8::7]:514");
    assert.match(server.query("third")[0]!.source as string, /^127\.0\.0\.1:/);
    assert.equal(await answer(server, "PROXY TCP4 nobody\r\n"), "ERROR|the PROXY header is not well-formed");
  });
});

test("nobody else is believed", async () => {
  await withServer(trusting, async (server) => {
    const refusal = /^ERROR\|the PROXY protocol is taken from trusted proxies only/;
    assert.match((await answer(server, "PROXY TCP4 192.0.2.7 198.51.100.1 51514 9999\r\nhello\n", "127.0.0.2")) ?? "", refusal);
    assert.match((await answer(server, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0hello\n", "127.0.0.2")) ?? "", refusal);
    assert.equal(await answer(server, "PROXY servers are slow today\n", "127.0.0.2"), "ACK");
    assert.equal(server.count("NOT app:logcaster"), 1);
    await eventually(() => server.log, (log) => /collect\.broken source=127\.0\.0\.2:\d+ what="a PROXY header of a proxy that is not trusted"/.test(log)); // written by a thread of its own
  });
});

/** A HAProxy in front of the server, on a port that the kernel chose. */
async function withHaproxy(server: Server, option: string, body: (port: number) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "haproxy-"));
  const config = join(folder, "haproxy.cfg");
  const door = createServer();
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const port = (door.address() as { port: number }).port;
  writeFileSync(config, `defaults
  mode tcp
  timeout connect 10s
  timeout client 60s
  timeout server 60s
listen logs
  bind fd@3
  server logcaster 127.0.0.1:${server.logsPort} ${option}
`);
  // the socket itself is handed over: no port can be taken by somebody else in between
  const fd = (door as unknown as { _handle: { fd: number } })._handle.fd;
  const haproxy = spawn("/usr/sbin/haproxy", ["-db", "-f", config], { stdio: ["ignore", "ignore", "pipe", fd] });
  let said = "";
  haproxy.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString()));
  try {
    await once(haproxy, "spawn");
    door.close();
    await body(port);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${said}`);
  } finally {
    const exited = once(haproxy, "exit");
    haproxy.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true });
  }
}

for (const option of ["send-proxy", "send-proxy-v2"])
  test(`HAProxy, ${option}`, async () => {
    await withServer(trusting, (server) =>
      withHaproxy(server, option, async (port) => {
        const client = await LineClient.open({ host: "127.0.0.1", port, localAddress: "127.0.0.77" });
        const local = client.socket.localPort;
        client.send("LOG|INFO||through HAProxy\n");
        assert.match((await client.line()) ?? "", /^OK\|/);
        client.close();
        assert.equal(server.query('"through HAProxy"')[0]!.source, `127.0.0.77:${local}`);
      }));
  });
