/** A connection whose writes wait until a test says how they go. */
import type { Conn } from "../../src/net/conn.ts";
import { equalBytes } from "../../src/util/bytes.ts";

interface HeldWrite {
  /** As handed over, not copied. */
  readonly data: Uint8Array;
  /** As it was then. */
  readonly copy: Uint8Array;
  readonly resolve: (bytes: number) => void;
  readonly reject: (error: Error) => void;
}

/** Checks that nobody touches what is being written. */
export class HeldConn implements Conn {
  readonly remote = { ip: "192.0.2.9", port: 9 };
  /** All that it has taken. */
  readonly taken: number[] = [];
  /** The sizes of the writes as they were asked for. */
  readonly asked: number[] = [];
  closed = false;
  /** What it says of the other end; without, it can't be asked. */
  isDraining?: (withinMs: number) => Promise<boolean>;
  #held: HeldWrite | undefined;

  /** Whether a write is under way. */
  get isWriting(): boolean {
    return this.#held !== undefined;
  }

  /** What the write under way wants to write. */
  get writing(): Uint8Array {
    return this.#write().data;
  }

  read(_into: Uint8Array): Promise<number | null> {
    return new Promise(() => {}); // nobody here has anything to say
  }

  write(data: Uint8Array): Promise<number> {
    if (this.#held !== undefined) throw new Error("A second write at a time");
    if (this.closed) {
      return Promise.reject(new Deno.errors.BadResource("Closed"));
    }
    this.asked.push(data.length);
    return new Promise((resolve, reject) => {
      this.#held = { data, copy: data.slice(), resolve, reject };
    });
  }

  /** Lets the write under way take `bytes`, or all. */
  take(bytes = this.writing.length): void {
    const { data, copy, resolve } = this.#write();
    if (!equalBytes(data, copy)) throw new Error("A buffer was reused");
    for (let i = 0; i < bytes; i++) this.taken.push(data[i]!);
    this.#held = undefined;
    resolve(bytes);
  }

  /** Breaks the write under way. */
  fail(error: Error = new Deno.errors.ConnectionReset("Reset by peer")): void {
    const { reject } = this.#write();
    this.#held = undefined;
    reject(error);
  }

  close(): void {
    this.closed = true;
    if (this.#held) this.fail(new Deno.errors.BadResource("Closed"));
  }

  #write(): HeldWrite {
    if (this.#held === undefined) throw new Error("No write is under way");
    return this.#held;
  }
}
