// SPDX-License-Identifier: Apache-2.0
//
// 12_language.test.ts - commands speak the language of who runs them; what goes over the wire does
// not depend on it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LineClient } from "./lib/client.js";
import { run, Server } from "./lib/server.js";

// also where the system has no such locale, as on small machines
const korean = { LC_ALL: "", LANG: "ko_KR.UTF-8", LANGUAGE: "" };

test("help is Korean where the environment says so", () => {
  const help = run(["query", "--help"], "", korean).stdout.toString();
  assert.match(help, /^기록 찾기\n\n사용법: logcaster query/);
  assert.match(help, /물을 곳: host:port/);
  for (const line of help.split("\n")) {
    // a Korean letter takes two columns
    const columns = [...line].reduce((n, c) => n + (c >= "\u1100" ? 2 : 1), 0);
    assert.ok(columns <= 80 || !line.startsWith(" "), `${columns}: ${line}`);
  }
  assert.match(run(["help"], "", korean).stdout.toString(), /^소켓으로 로그를 받아/);
  for (const LANG of ["C", "C.UTF-8", "en_US.UTF-8", "de_DE.UTF-8"]) {
    assert.match(run(["help"], "", { ...korean, LANG }).stdout.toString(), /^Takes logs over sockets/, LANG);
  }
});

test("errors too: of the command line, of the system, of a query", async () => {
  assert.equal(run(["query", "--outptu", "raw"], "", korean).stderr, "logcaster: 알 수 없는 옵션 --outptu. 혹시 --output?\n");
  assert.match(run(["query", "--server", "unix:/nowhere/x.sock", "x"], "", korean).stderr,
    /^logcaster: unix:\/nowhere\/x.sock에 연결할 수 없습니다: .*서버가 실행 중입니까\?/);
  const server = await Server.start();
  try {
    const answer = run(["query", "--server", server.queryAddress, "level:eror"], "", korean);
    assert.match(answer.stderr, /^logcaster: 7번째 칸: 알 수 없는 레벨 'eror'/);
    assert.equal(answer.code, 2);
  } finally {
    await server.stop();
  }
});

test("a server speaks English on the wire, whatever its own language is", async () => {
  const before = process.env.LANG;
  process.env.LANG = "ko_KR.UTF-8";
  try {
    const server = await Server.start();
    const client = await LineClient.open({ host: "127.0.0.1", port: server.queryPort });
    client.send("QUERY|QL|level:eror\n");
    assert.match((await client.line())!, /^ERROR\|column 7: unknown level 'eror'/);
    client.close();
    await server.stop();
    assert.match(server.log, /server\.stopped/);
  } finally {
    if (before === undefined) delete process.env.LANG;
    else process.env.LANG = before;
  }
});
