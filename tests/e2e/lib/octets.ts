// SPDX-License-Identifier: Apache-2.0
//
// lib/octets.ts - a connection that speaks octets: frames and packets.

import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";

import { patienceMs } from "./client.js";

export class OctetClient {
  private got = Buffer.alloc(0);
  private ended = false;
  private wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.got = Buffer.concat([this.got, chunk]);
      this.wake();
    });
    const end = (): void => {
      this.ended = true;
      this.wake();
    };
    socket.on("error", end);
    socket.on("close", end);
    socket.on("end", end);
  }

  static async open(to: NetConnectOpts): Promise<OctetClient> {
    const socket = connect({ allowHalfOpen: true, ...to } as NetConnectOpts);
    await once(socket, "connect");
    return new OctetClient(socket);
  }

  send(...parts: (string | Buffer)[]): void {
    this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  }

  /** Exactly `n` octets; fewer when the peer closes before. */
  async take(n: number): Promise<Buffer> {
    while (this.got.length < n && !this.ended)
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`only ${this.got.length} of ${n} octets came`)), patienceMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    const taken = this.got.subarray(0, n);
    this.got = this.got.subarray(n);
    return taken;
  }

  /** The next frame, without its length, as text; undefined when the peer has closed. */
  async frame(): Promise<string | undefined> {
    const head = await this.take(4);
    return head.length < 4 ? undefined : (await this.take(head.readUInt32BE(0))).toString();
  }

  /** The next packet of binary v1. */
  async packet(): Promise<{ command: number; sequence: number; status: number; rest: Buffer }> {
    const head = await this.take(8);
    if (head.length < 8) throw new Error("closed");
    const payload = await this.take(head.readUInt16BE(2));
    return { command: head[1]!, sequence: head.readUInt32BE(4), status: payload[0]!, rest: payload.subarray(1) };
  }

  end(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }
}

export function frame(content: string | Buffer): Buffer {
  const octets = Buffer.from(content as string);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(octets.length);
  return Buffer.concat([head, octets]);
}

export function packet(command: number, sequence: number, payload: string | Buffer = ""): Buffer {
  const octets = Buffer.from(payload as string);
  const head = Buffer.from([1, command, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(octets.length, 2);
  head.writeUInt32BE(sequence, 4);
  return Buffer.concat([head, octets]);
}

export function logPayload(level: number, seconds: number, message: string | Buffer): Buffer {
  const octets = Buffer.from(message as string);
  const head = Buffer.alloc(7);
  head[0] = level;
  head.writeUInt32BE(seconds, 1);
  head.writeUInt16BE(octets.length, 5);
  return Buffer.concat([head, octets]);
}
