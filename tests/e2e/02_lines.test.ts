// SPDX-License-Identifier: Apache-2.0
//
// 02_lines.test.ts - the line protocols on the logs listener: answers, their order, limits, what is
// not spoken there.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { test } from "node:test";

import { eventually, LineClient } from "./lib/client.js";
import { type Server, withServer } from "./lib/server.js";

function logs(server: Server): Promise<LineClient> {
  return LineClient.open({ host: "127.0.0.1", port: server.logsPort });
}

test("each protocol is answered in its own form, in order, over TCP and a Unix socket", async (t) => {
  await withServer({}, async (server) => {
    for (const to of [{ host: "127.0.0.1", port: server.logsPort }, { host: "localhost", port: server.logsPort }, { path: server.socket("logs.sock") }])
      await t.test(JSON.stringify(Object.keys(to)), async () => {
        const client = await LineClient.open(to);
        client.send("PING\r\nLOG:1640995200:INFO:v1\nLOG|WARN|1640995200.5|v2|with|bars\nPING\nLOG:x:INFO:bad time\nLOG|INFO|x|bad time\nQUIT\n");
        const lines = await client.rest();
        assert.equal(lines.length, 6, lines.join("\n"));
        assert.equal(lines[0], "PONG");
        assert.equal(lines[1], "ACK");
        assert.match(lines[2]!, /^OK\|\d+$/);
        assert.equal(lines[3], "PONG");
        assert.match(lines[4]!, /^ERROR:./);
        assert.match(lines[5]!, /^ERROR\|./);
      });
    const rows = server.query('"v2|with|bars"');
    assert.equal(rows.length, 3);
    assert.deepEqual([rows[0]!._time, rows[0]!.level, rows[0]!._msg], ["2022-01-01T00:00:00.500000000Z", "WARN", "v2|with|bars"]);
  });
});

test("ids increase along a connection", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    client.send("LOG|INFO||numbered\n".repeat(1000));
    const ids = (await client.expectLines(1000)).map((line) => BigInt(line.slice(3)));
    for (let i = 1; i < ids.length; i++) assert.ok(ids[i]! > ids[i - 1]!);
    client.close();
  });
});

test("acks of plain lines: auto answers a single line, not a stream", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    client.send("one\n");
    assert.equal(await client.line(), "ACK");
    client.send("stream\n".repeat(1000));
    client.send("PING\n");
    const lines: string[] = [];
    for (let line = await client.line(); line !== "PONG"; line = await client.line()) lines.push(line!);
    assert.ok(lines.length < 1000, `${lines.length} ACKs in a stream of lines`);
    client.close();
    assert.equal(server.count("stream"), 1000);
  });
  for (const [acks, expected] of [["on", ["ACK", "ACK", "PONG"]], ["off", ["PONG"]]] as const)
    await withServer({ args: ["--acks", acks] }, async (server) => {
      const client = await logs(server);
      client.send("a\nb\nPING\n");
      assert.deepEqual(await client.expectLines(expected.length), expected);
      client.close();
    });
});

test("limits: a long line is refused where that can be said, else kept in part", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    client.send(`LOG|INFO||${"x".repeat(70_000)}\nLOG:1640995200:INFO:${"x".repeat(70_000)}\n`);
    client.send(`plain ${"y".repeat(70_000)}\nPING\n`);
    const lines: string[] = [];
    for (let line = await client.line(); line !== "PONG"; line = await client.line()) lines.push(line!);
    assert.match(lines[0]!, /^ERROR\|.*(65536|64 ?K)/);
    assert.match(lines[1]!, /^ERROR:.*(65536|64 ?K)/);
    client.close();
    const rows = await eventually(() => server.query("truncated:true"), (found) => found.length === 1);
    assert.equal((rows[0]!._msg as string).length, 65536);
  });
});

test("one octet at a time, and many lines in one", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    client.socket.setNoDelay(true);
    for (const octet of Buffer.from("LOG|INFO||느린 보내기\nPING\n")) client.send(Buffer.from([octet]));
    assert.match((await client.line())!, /^OK\|/);
    assert.equal(await client.line(), "PONG");
    client.close();
    assert.equal(server.query("느린")[0]!._msg, "느린 보내기");
  });
});

test("a final line without a newline is taken at the end of the stream", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    client.socket.end("the last words");
    await client.rest();
    assert.equal((await eventually(() => server.query('"last words"'), (rows) => rows.length > 0))[0]!._msg, "the last words");
  });
});

test("octet-counted syslog, and a count that lies", async () => {
  await withServer({}, async (server) => {
    const message = "<11>1 2026-11-20T18:00:00+09:00 web-1 nginx 42 ID7 [origin@1 ip=\"10.0.0.1\"] two\nlines";
    const client = await logs(server);
    client.send(`${Buffer.byteLength(message)} ${message}`);
    client.socket.end("nonsense");
    await client.rest();
    const row = (await eventually(() => server.query('"two"'), (rows) => rows.length > 0))[0]!;
    assert.deepEqual([row._msg, row._time, row.host, row.app, row.pid, row.level, row.msgid, row["origin@1.ip"]],
      ["two\nlines", "2026-11-20T09:00:00Z", "web-1", "nginx", "42", "ERROR", "ID7", "10.0.0.1"]);
  });
});

test("what is not spoken here is refused in its own language", async () => {
  await withServer({}, async (server) => {
    const cases: [string, RegExp][] = [
      ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1\.1 403 /],
      ["QUERY|KEYWORD|x\n", /^ERROR\|.*query/i],
      ["QUERY:x\n", /^ERROR:.*query/i],
      ["STATS\n", /^ERROR\|/],
    ];
    for (const [octets, answer] of cases) {
      const client = await logs(server);
      client.send(octets);
      assert.match((await client.line()) ?? "(closed)", answer, octets);
      client.close();
    }
    const asker = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
    asker.send("LOG|INFO||not here\n");
    assert.match((await asker.line())!, /^ERROR\|/);
    asker.close();
  });
});

test("an impossible time is the time of arrival, and what was claimed is kept", async () => {
  await withServer({}, async (server) => {
    const client = await logs(server);
    client.send("LOG|INFO|12|claims 1970\nLOG|INFO|32503680000|claims 3000\n");
    await client.expectLines(2);
    client.close();
    for (const [word, claimed] of [["1970", "1970-01-01T00:00:12Z"], ["3000", "3000"]]) {
      const row = server.query(`"claims ${word}"`)[0]!;
      assert.ok(Math.abs(Date.parse(row._time as string) - Date.now()) < 120_000);
      assert.ok(String(row.claimed_time).startsWith(claimed!.slice(0, 4)) || claimed === "3000", JSON.stringify(row));
      assert.notEqual(row.claimed_time, undefined);
    }
  });
});

test("datagrams: several lines in one, and never an answer", async () => {
  await withServer({}, async (server) => {
    const socket = createSocket("udp4");
    let answered = false;
    socket.on("message", () => (answered = true));
    await new Promise<void>((resolve) => socket.send("LOG|ERROR||datagram a\ndatagram b\nPING\nQUERY|KEYWORD|x\n", server.logsPort, "127.0.0.1", () => resolve()));
    const rows = await eventually(() => server.query("datagram"), (found) => found.length >= 2);
    assert.deepEqual(rows.map((row) => row._msg).sort(), ["datagram a", "datagram b"]);
    assert.equal(answered, false);
    socket.close();
  });
});
