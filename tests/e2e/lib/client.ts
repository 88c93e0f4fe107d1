// SPDX-License-Identifier: Apache-2.0
//
// lib/client.ts - a connection that speaks lines, and waiting for things to happen.

import { once } from "node:events";
import { connect, type NetConnectOpts, Socket } from "node:net";

/** How long a test waits for what must come: generous, since it only decides how long a failure
 *  takes. */
export const patienceMs = 60_000;

export class LineClient {
  private lines: string[] = [];
  private partial = Buffer.alloc(0);
  private waiting: (() => void)[] = [];
  private ended = false;
  error: Error | undefined;

  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.on("error", (error) => (this.error = error));
    socket.on("close", () => {
      this.ended = true;
      this.wake();
    });
    socket.on("end", () => {
      this.ended = true;
      this.wake();
    });
  }

  static async open(to: NetConnectOpts): Promise<LineClient> {
    const socket = connect({ allowHalfOpen: true, ...to } as NetConnectOpts);
    await once(socket, "connect");
    return new LineClient(socket);
  }

  private take(chunk: Buffer): void {
    this.partial = Buffer.concat([this.partial, chunk]);
    for (let at = this.partial.indexOf(10); at >= 0; at = this.partial.indexOf(10)) {
      this.lines.push(this.partial.subarray(0, at).toString("latin1"));
      this.partial = this.partial.subarray(at + 1);
    }
    this.wake();
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }

  send(octets: string | Buffer): void {
    this.socket.write(octets);
  }

  /** The next line, as UTF-8; undefined when the peer has closed. */
  async line(): Promise<string | undefined> {
    while (this.lines.length === 0 && !this.ended) await this.change();
    const line = this.lines.shift();
    return line === undefined ? undefined : Buffer.from(line, "latin1").toString("utf8");
  }

  /** The next `n` octets, which a line's end need not follow; fewer when the peer closes before. */
  async octets(n: number): Promise<Buffer> {
    const all = (): Buffer =>
      Buffer.concat([...this.lines.map((line) => Buffer.from(`${line}\n`, "latin1")), this.partial]);
    while (all().length < n && !this.ended) await this.change();
    const got = all();
    this.lines = [];
    this.partial = Buffer.alloc(0);
    this.take(got.subarray(n));
    return got.subarray(0, n);
  }

  async expectLines(count: number): Promise<string[]> {
    const lines: string[] = [];
    while (lines.length < count) {
      const line = await this.line();
      if (line === undefined) throw new Error(`closed after ${lines.length} of ${count} lines: ${lines.slice(-3)}`);
      lines.push(line);
    }
    return lines;
  }

  /** Everything up to the peer's end. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line);
    return lines;
  }

  get isClosed(): boolean {
    return this.ended && this.lines.length === 0;
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

  close(): void {
    this.socket.destroy();
  }
}

/** Asks again until `done`: for what is told to nobody, as a datagram that was stored. */
export async function eventually<T>(ask: () => T | Promise<T>, done: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const value = await ask();
    if (done(value)) return value;
    if (Date.now() > deadline) throw new Error(`did not come about; last: ${JSON.stringify(value)?.slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
