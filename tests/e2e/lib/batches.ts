// SPDX-License-Identifier: Apache-2.0
//
// lib/batches.ts - a sender of batches (docs/protocols.md, "Binary v2"), written by the page alone.

import { once } from "node:events";
import { connect, Socket } from "node:net";

import { patienceMs } from "./client.js";

const table = Array.from({ length: 256 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

export function crc32c(octets: Buffer): number {
  let crc = 0xffffffff;
  for (const octet of octets) crc = (crc >>> 8) ^ table[(crc ^ octet) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

export const HELLO = 0x05, BATCH = 0x06, WELCOME = 0x85, STORED = 0x86, ERROR = 0xff;
export const ZSTD = 1, DOUBTED = 2;

export function message(command: number, flags: number, sequence: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt8(2, 0);
  head.writeUInt8(command, 1);
  head.writeUInt16BE(flags, 2);
  head.writeUInt32BE(payload.length, 4);
  head.writeBigUInt64BE(BigInt(sequence), 8);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(Buffer.concat([head, payload])));
  return Buffer.concat([head, crc, payload]);
}

function varint(value: bigint): Buffer {
  const octets: number[] = [];
  for (; value >= 0x80n; value >>= 7n) octets.push(Number(value & 0x7fn) | 0x80);
  octets.push(Number(value));
  return Buffer.from(octets);
}

function text(value: string | Buffer): Buffer {
  const octets = Buffer.from(value as string);
  return Buffer.concat([varint(BigInt(octets.length)), octets]);
}

export interface Row {
  sequence: number;
  message: string | Buffer;
  level?: number;
  timeNs?: bigint; // none: the server's
  space?: string;
  host?: string;
  app?: string;
  facility?: string;
  pid?: string;
  source?: string;
  fields?: [name: string, type: number, value: string][];
}

export function records(rows: Row[]): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64BE(BigInt(rows[0]!.sequence));
  head.writeUInt32BE(rows.length, 8);
  const parts: Buffer[] = [head];
  let last = rows[0]!.sequence - 1;
  let time = 0n;
  for (const row of rows) {
    const now = row.timeNs ?? -(1n << 63n);
    const behind = BigInt.asIntN(64, now - time);
    parts.push(varint(BigInt(row.sequence - last - 1)), Buffer.from([row.level ?? 255]),
      varint(BigInt.asUintN(64, (behind << 1n) ^ (behind >> 63n))));
    for (const s of [row.space, row.host, row.app, row.facility, row.pid, row.source, row.message]) parts.push(text(s ?? ""));
    const fields = row.fields ?? [];
    parts.push(varint(BigInt(fields.length)));
    for (const [name, type, value] of fields) parts.push(text(name), Buffer.from([type]), text(value));
    last = row.sequence;
    time = now;
  }
  return Buffer.concat(parts);
}

/** One zstd frame (RFC 8878) of raw blocks: it says its size, as must be. */
export function zstdFrame(octets: Buffer): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  head.writeUInt32LE(octets.length, 5);
  const parts: Buffer[] = [head];
  for (let at = 0; at < octets.length; at += 65536) {
    const block = octets.subarray(at, at + 65536);
    const header = Buffer.alloc(3);
    header.writeUIntLE((at + 65536 >= octets.length ? 1 : 0) | (block.length << 3), 0, 3);
    parts.push(header, block);
  }
  return Buffer.concat(parts);
}

export interface Answer {
  command: number;
  sequence: number;
  payload: Buffer;
}

export class BatchClient {
  private answers: Answer[] = [];
  private partial: Buffer = Buffer.alloc(0);
  private waiting: (() => void)[] = [];
  private sent = 0;
  ended = false;

  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.partial = Buffer.concat([this.partial, chunk]);
      while (this.partial.length >= 20 && this.partial.length >= 20 + this.partial.readUInt32BE(4)) {
        const n = this.partial.readUInt32BE(4);
        this.answers.push({
          command: this.partial.readUInt8(1),
          sequence: Number(this.partial.readBigUInt64BE(8)),
          payload: this.partial.subarray(20, 20 + n),
        });
        this.partial = this.partial.subarray(20 + n);
      }
      this.wake();
    });
    socket.on("error", () => this.wake());
    for (const event of ["end", "close"]) socket.on(event, () => { this.ended = true; this.wake(); });
  }

  static async open(port: number): Promise<BatchClient> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return new BatchClient(socket);
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }

  private change(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("nothing came")), patienceMs);
      this.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  send(command: number, flags: number, payload: Buffer): number {
    this.socket.write(message(command, flags, ++this.sent, payload));
    return this.sent;
  }

  /** The next answer; undefined when the server has closed. */
  async answer(): Promise<Answer | undefined> {
    while (this.answers.length === 0 && !this.ended) await this.change();
    return this.answers.shift();
  }

  /** HELLO, and up to which sequence all is stored. */
  async hello(sender: Buffer, epoch = 1, name = "test"): Promise<number> {
    const head = Buffer.alloc(24);
    sender.copy(head);
    head.writeBigUInt64BE(BigInt(epoch), 16);
    this.send(HELLO, 0, Buffer.concat([head, Buffer.from(name)]));
    const answer = await this.answer();
    if (answer?.command !== WELCOME) throw new Error(`not welcome: ${answer && errorText(answer)}`);
    if (answer.payload.readBigUInt64BE(0) !== BigInt(epoch)) throw new Error("another epoch");
    return Number(answer.payload.readBigUInt64BE(8));
  }

  batch(rows: Row[], flags = 0): number {
    return this.send(BATCH, flags, records(rows));
  }

  /** Answers until all up to `upto` is stored; false when the server closes before. */
  async storedUpTo(upto: number): Promise<boolean> {
    for (;;) {
      const answer = await this.answer();
      if (answer === undefined) return false;
      if (answer.command !== STORED) throw new Error(errorText(answer));
      if (Number(answer.payload.readBigUInt64BE(0)) >= upto) return true;
    }
  }

  async error(): Promise<string> {
    const answer = await this.answer();
    return answer === undefined ? "closed" : errorText(answer);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** "<code> <text>" */
export function errorText(answer: Answer): string {
  if (answer.command !== ERROR) return `answer ${answer.command.toString(16)}`;
  return `${answer.payload.readUInt8(0)} ${answer.payload.subarray(1).toString()}`;
}
