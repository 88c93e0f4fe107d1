// SPDX-License-Identifier: Apache-2.0
//
// 05_seeds.test.ts - the dialogues of tests/seeds, each against a server of its own.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { LineClient } from "./lib/client.js";
import { Server, withServer } from "./lib/server.js";

const folder = join(process.cwd(), "../seeds");

/** A line of the dialogue as a pattern: <id> and <time> stand for numbers. */
function pattern(text: string): RegExp {
  const literal = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replace(/<id>/g, "\\d+").replace(/<time>/g, "\\d+(\\.\\d+)?")}$`);
}

/** Octets in hexadecimal; <id> is eight of them that may be anything, <length> one. */
async function expectOctets(client: LineClient, text: string, where: string): Promise<void> {
  const expected = text.replace("<id>", Array(8).fill("..").join(" ")).replace("<length>", "..").split(" ");
  const got = [...(await client.octets(expected.length))].map((octet) => octet.toString(16).padStart(2, "0"));
  assert.match(got.join(" "), new RegExp(`^${expected.join(" ")}$`), where);
}

async function play(server: Server, name: string, lines: string[]): Promise<void> {
  let client: LineClient | undefined;
  for (const [index, line] of lines.entries()) {
    const where = `${name}:${index + 1}`;
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("connect ")) {
      const port = line === "connect query" ? server.queryPort : server.logsPort;
      client = await LineClient.open({ host: "127.0.0.1", port });
      continue;
    }
    assert.ok(client !== undefined, `${where}: no connection`);
    if (line === "close") client.close();
    else if (line.startsWith("> ")) client.send(`${line.slice(2)}\n`);
    else if (line.startsWith("x> ")) client.send(Buffer.from(line.slice(3).replaceAll(" ", ""), "hex"));
    else if (line.startsWith("x< ")) await expectOctets(client, line.slice(3), where);
    else if (line === "< closed") assert.equal(await client.line(), undefined, where);
    else if (line.startsWith("< ")) assert.match((await client.line()) ?? "(closed)", pattern(line.slice(2)), where);
    else assert.fail(`${where}: not a line of a dialogue: ${line}`);
  }
  client?.close();
}

for (const name of readdirSync(folder).filter((file) => file.endsWith(".dialogue")).sort())
  test(`seeds: ${name}`, () =>
    withServer({}, (server) => play(server, name, readFileSync(join(folder, name), "utf8").split("\n"))));
