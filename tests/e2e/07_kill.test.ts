// SPDX-License-Identifier: Apache-2.0
//
// 07_kill.test.ts - SIGKILL under load, again and again on the same data: nothing that was
// acknowledged is lost or doubled, nothing is half-written, no id is given twice.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";

import { LineClient } from "./lib/client.js";
import { makeDataDir, Server } from "./lib/server.js";

const rounds = Number(process.env.KILL_ROUNDS ?? 20);
const senders = 4;

interface Round {
  sent: Set<string>;
  acknowledged: Map<string, string>; // message -> id
}

/** Sends numbered lines until the server is gone; answers come in order. */
async function load(server: Server, label: string, round: Round, killAfter: number, kill: () => void): Promise<void> {
  const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
  const inFlight: string[] = [];
  let next = 0;
  const more = () => {
    let burst = "";
    for (let i = 0; i < 50; i++) {
      const message = `${label} line ${next++} ${"x".repeat(next % 300)}`;
      round.sent.add(message);
      inFlight.push(message);
      burst += `LOG|INFO||${message}\n`;
    }
    client.send(burst);
  };
  for (let i = 0; i < 4; i++) more();
  for (let answer = await client.line(); answer !== undefined; answer = await client.line()) {
    const id = /^OK\|(\d+)$/.exec(answer);
    assert.ok(id !== null, answer);
    round.acknowledged.set(inFlight.shift()!, id[1]!);
    if (round.acknowledged.size >= killAfter) kill();
    if (inFlight.length < 150) more();
  }
  client.close();
}

async function oneRound(data: string, number: number, round: Round): Promise<void> {
  const server = await Server.start({ data });
  let killed: Promise<unknown> | undefined;
  // a different moment each round: from the first acknowledgement to the middle of seals
  const killAfter = round.acknowledged.size + 1 + ((number * 7919) % 4000);
  const kill = () => (killed ??= server.signal("SIGKILL"));
  const loads = Array.from({ length: senders }, (_, i) => load(server, `round ${number} sender ${i}`, round, killAfter, kill));
  await Promise.all(loads);
  await killed;
}

test(`${rounds} rounds of SIGKILL under load`, async () => {
  const data = makeDataDir();
  const round: Round = { sent: new Set(), acknowledged: new Map() };
  for (let number = 0; number < rounds; number++) await oneRound(data, number, round);

  const server = await Server.start({ data });
  const rows = server.query("NOT app:logcaster") as { id: string; _msg: string }[];
  assert.equal((await server.stop()).code, 0, server.log);
  const stored = new Map(rows.map((row) => [row._msg, row.id]));
  assert.equal(stored.size, rows.length, "a message is stored twice");
  assert.equal(new Set(rows.map((row) => row.id)).size, rows.length, "an id was given twice");
  for (const message of stored.keys()) assert.ok(round.sent.has(message), `nobody sent: ${message}`);
  for (const [message, id] of round.acknowledged)
    assert.equal(stored.get(message), id, `acknowledged and not there as it was: ${message}`);
  assert.ok(round.acknowledged.size > rounds, "hardly anything was acknowledged");
  rmSync(data, { recursive: true });
});
