// SPDX-License-Identifier: Apache-2.0
//
// 11_config.test.ts - configuration files: the default file, the schema beside the program, errors,
// reloading.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import ajv2020 from "ajv/dist/2020.js";
import { parse } from "yaml";

import { eventually, LineClient } from "./lib/client.js";
import { run, withServer } from "./lib/server.js";

const dir = mkdtempSync(join(tmpdir(), "logcaster-config-"));
after(() => rmSync(dir, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(dir, "logcaster.yaml");
  writeFileSync(path, text);
  return path;
}

function output(...args: string[]): string {
  const done = run(args);
  assert.equal(done.code, 0, done.stderr);
  assert.equal(done.stderr, "");
  return done.stdout.toString();
}

function validator(command: string): (value: unknown) => boolean {
  const schema = JSON.parse(output("config-schema", "--command", command));
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  return new ajv2020.Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema) as (value: unknown) => boolean;
}

for (const command of ["serve", "send", "query", "tail"])
  test(`the default file of ${command} is good as it is, and with every line taken in`, () => {
    const valid = validator(command);
    const text = output("config-default", "--command", command);
    assert.equal(run(["check-config", "--command", command, file(text)]).code, 0);
    assert.ok(valid(parse(text)), text);

    // `#name: value` is an option, `# text` is not
    const all = text.replace(/^( *)#(?! )(?!.*# not set:)/gm, "$1");
    assert.notEqual(all, text);
    const done = run(["check-config", "--command", command, file(all)]);
    assert.equal(done.code, 0, done.stderr);
    assert.ok(valid(parse(all)), all);
  });

test("the example that is installed is good", () => {
  const text = readFileSync(join(process.cwd(), "../../packaging/logcaster.yaml"), "utf8");
  assert.equal(run(["check-config", file(text)]).code, 0);
  assert.ok(validator("serve")(parse(text)));
});

const good = [
  "", "# nothing\n", "logs:\n", "data: /srv/logs\n", "workers: 4\n", "workers: '4'\n", "memory: 1G\n",
  "memory: 67108864\n", "memory: 64MiB\n", "retain-size: auto\n", "retain-age: 1h30m\n", "retain-age: none\n",
  "detect-level: false\n", "detect-level: yes\n", "acks: 'on'\n", "log-level: WARN\n", "io: epoll\n",
  "logs: {listen: ':514'}\n", "logs: {listen: [':514', 'unix:/run/x.sock']}\n",
  "logs: {policy: strict, connections-rate: 100/s}\n", "logs: {records-rate: 6000/10m, octets-rate: 10M/s}\n",
  "logs: {socket: {TCP_CONGESTION: reno, SO_RCVBUF: 65536}}\n", "data: ${HOME}/logs\n",
];
const bad = [
  "datta: x\n", "logs: {lsten: x}\n", "logs-policy: strict\n", "logs: ':514'\n", "logs: []\n", "workers: 65\n",
  "workers: many\n", "query-threads: 0\n", "memory: 1X\n", "memory: -1\n", "memory: 1\n", "retain-age: 30\n",
  "retain-age: 30 days\n", "detect-level: maybe\n", "acks: sometimes\n", "log-level: warn\n", "io: kqueue\n",
  "logs: {listen: {a: b}}\n", "logs: {listen: [[x]]}\n", "logs: {policy: lax}\n", "logs: {connections-rate: 100}\n",
  "logs: {connections-rate: 0/s}\n", "logs: {octets-rate: 10M}\n", "logs: {socket: [a]}\n", "- a\n", "text\n",
  "data: [a]\n", "data:\n",
];
test("the schema and the program agree", () => {
  const valid = validator("serve");
  for (const text of good) {
    const done = run(["check-config", file(text)]);
    assert.equal(done.code, 0, `${text}${done.stderr}`);
    assert.ok(valid(parse(text)), text);
  }
  for (const text of bad) {
    const done = run(["check-config", file(text)]);
    assert.equal(done.code, 2, text);
    assert.match(done.stderr, /^logcaster: \S+logcaster\.yaml:\d+:\d+: /, text);
    assert.ok(!valid(parse(text)), text);
  }
});

test("an error shows the place", () => {
  const path = file("logs:\n  listen: [':514', ':99999']\n");
  const done = run(["serve", "--config", path]);
  assert.equal(done.code, 2);
  assert.equal(done.stderr, `logcaster: ${path}:2:21: logs.listen: address ":99999": a port is a number from 0 to 65535\n` +
    "    2 |   listen: [':514', ':99999\n      |                     ^^^^^^\n");
});

test("later places win, and each can be seen", () => {
  const path = file("workers: 3\nmemory: 64M\nlogs: {listen: ':1'}\n");
  const done = run(["check-config", "--print", path], "", { LOGCASTER_MEMORY: "128M", LOGCASTER_QUERY: ":2,:3" });
  const text = done.stdout.toString();
  assert.equal(done.code, 0, done.stderr);
  assert.match(text, /^workers: 3 {2}# line 1$/m);
  assert.match(text, /^memory: 128M {2}# environment$/m);
  assert.match(text, /^acks: auto {2}# default$/m);
  assert.match(text, /^ {2}listen: \[":1"\] {2}# line 3$/m);
  assert.match(text, /^ {2}listen: \[":2", ":3"\] {2}# environment$/m);
  assert.equal(run(["check-config", file(text)]).code, 0); // what is printed is a file
});

test("what a unit of systemd is given counts", () => {
  file("workers: 3\n");
  const env = { CONFIGURATION_DIRECTORY: `${dir}:/elsewhere`, STATE_DIRECTORY: "/var/lib/x:/y" };
  const text = run(["check-config", "--print"], "", env).stdout.toString();
  assert.match(text, /^workers: 3 {2}# line 1$/m);
  assert.match(text, /^data: \/var\/lib\/x {2}# environment$/m);
});

test("commands have files too", async () => {
  await withServer({}, async (server) => {
    const path = file(`server: ${server.queryAddress}\noutput: raw\n`);
    assert.equal(run(["send", "--server", server.logsAddress], "hello\n").code, 0);
    assert.equal(run(["query", "--config", path, "hello"]).stdout.toString(), "hello\n");
    assert.equal(run(["query", "hello"], "", { LOGCASTER_CONFIG: path }).stdout.toString(), "hello\n");
    const json = run(["query", "--config", path, "-o", "json", "hello"]);
    assert.equal(JSON.parse(json.stdout.toString())._msg, "hello");
  });
});

test("SIGHUP takes what can be taken, and says what cannot", async () => {
  const path = file("acks: 'on'\nquery-threads: 2\n");
  await withServer({ args: ["--config", path] }, async (server) => {
    const log = (pattern: RegExp) => eventually(() => server.log, (text) => pattern.test(text));
    const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
    client.send("one\n");
    assert.equal(await client.line(), "ACK");

    file("acks: 'off'\nquery-threads: 3\nlog-level: DEBUG\n");
    server.process.kill("SIGHUP");
    await log(/config\.reloaded changed=2 need_restart=1\n/);
    assert.match(server.log, /config\.changed option=acks from=on to=off\n/);
    assert.match(server.log, /config\.changed option=log-level from=INFO to=DEBUG\n/);
    assert.match(server.log, /config\.needs_restart option=query-threads from=2 to=3\n/);
    client.send("two\nLOG|||three\n");
    assert.match((await client.line()) ?? "", /^OK\|/); // no ACK before it

    file("acks: 'on'\nretain-age: soon\n");
    server.process.kill("SIGHUP");
    await log(/config\.refused why="[^"]*logcaster\.yaml:2:13: retain-age: not a length of time/);
    client.send("four\nLOG|||five\n");
    assert.match((await client.line()) ?? "", /^OK\|/); // all is as before

    file("acks: 'on'\n");
    server.process.kill("SIGHUP");
    await log(/config\.changed option=acks from=off to=on\n/);
    await log(/config\.reloaded changed=2 need_restart=0\n/);
    client.send("six\n");
    assert.equal(await client.line(), "ACK");
    client.close();
  });
});

test("reloading many times under load loses nothing", async () => {
  const path = file("acks: 'on'\n");
  await withServer({ args: ["--config", path] }, async (server) => {
    const client = await LineClient.open({ host: "127.0.0.1", port: server.logsPort });
    for (let i = 0; i < 50; i++) {
      file(i % 2 === 0 ? "detect-level: off\nacks: 'on'\n" : "acks: 'on'\n");
      server.process.kill("SIGHUP");
      client.send(`load ${i}\n`);
      assert.equal(await client.line(), "ACK");
    }
    client.close();
    assert.equal(server.count("load"), 50);
  });
});
