/** Two connected `Conn`s in memory. */
import type { Conn, RemoteAddress } from "../../src/net/conn.ts";
import { concatBytes } from "../../src/util/bytes.ts";

const DEFAULT_BUFFER_BYTES = 64 * 1024;

/** How a pair behaves; both directions alike. */
export interface ConnPairOptions {
  /** What one direction holds before write() waits for the reader. */
  readonly bufferBytes?: number;
  /** The most that one read() gives. */
  readonly maxReadBytes?: number;
  /** The most that one write() takes. */
  readonly maxWriteBytes?: number;
  /** Address of the client as the server sees it. */
  readonly clientAddress?: RemoteAddress;
}

/** `client` and `server` are alike; the names say whose code is under test. */
export interface ConnPair extends Disposable {
  readonly client: MemoryConn;
  readonly server: MemoryConn;
}

/** Connects two ends; disposing of the pair closes both. */
export function connPair(options: ConnPairOptions = {}): ConnPair {
  const up = new Pipe(options);
  const down = new Pipe(options);
  const client = new MemoryConn(down, up, { ip: "192.0.2.1", port: 443 });
  const server = new MemoryConn(
    up,
    down,
    options.clientAddress ?? { ip: "198.51.100.7", port: 40000 },
  );
  return {
    client,
    server,
    [Symbol.dispose]() {
      client.close();
      server.close();
    },
  };
}

/** One end of a pair: a `Conn` with what tests need besides. */
export class MemoryConn implements Conn {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly remote: RemoteAddress;
  #closed = false;

  constructor(incoming: Pipe, outgoing: Pipe, remote: RemoteAddress) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.remote = remote;
  }

  /** Whether close() was called on this end. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that wait for this end's read(). */
  get readableBytes(): number {
    return this.#incoming.length;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#incoming.read(into);
  }

  write(data: Uint8Array): Promise<number> {
    return this.#outgoing.write(data);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outgoing.end();
    this.#incoming.fail(
      new Deno.errors.BadResource("The connection is closed"),
    );
  }

  /** Ends this end's direction only, as a TCP FIN does; the other end's reads then end. */
  closeWrite(): void {
    this.#outgoing.end();
  }

  /** Breaks the connection: reads and writes of both ends reject with `error`, data under way is lost. */
  reset(error: Error = new Deno.errors.ConnectionReset("Reset by peer")): void {
    this.#incoming.fail(error);
    this.#outgoing.fail(error);
  }

  /** Everything up to the end of the stream. */
  async readToEnd(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    const into = new Uint8Array(4096);
    for (;;) {
      const n = await this.read(into);
      if (n === null) return concatBytes(...parts);
      parts.push(into.slice(0, n));
    }
  }

  /** Exactly `length` bytes; rejects where the stream ends before. */
  async readExactly(length: number): Promise<Uint8Array> {
    const into = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const n = await this.read(into.subarray(filled));
      if (n === null) {
        throw new Deno.errors.UnexpectedEof(`${filled} of ${length} bytes`);
      }
      filled += n;
    }
    return into;
  }
}

/** A read() or write() that waits. */
interface Waiter<T> {
  readonly bytes: Uint8Array;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** One direction: a bounded buffer with at most one reader and one writer waiting. */
class Pipe {
  readonly #capacity: number;
  readonly #maxReadBytes: number;
  readonly #maxWriteBytes: number;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #readError: Error | undefined;
  #writeError: Error | undefined;
  #reader: Waiter<number | null> | undefined;
  #writer: Waiter<number> | undefined;
  length = 0;

  constructor(options: ConnPairOptions) {
    this.#capacity = options.bufferBytes ?? DEFAULT_BUFFER_BYTES;
    this.#maxReadBytes = options.maxReadBytes ?? Infinity;
    this.#maxWriteBytes = options.maxWriteBytes ?? Infinity;
  }

  read(bytes: Uint8Array): Promise<number | null> {
    if (this.#reader !== undefined) {
      return Promise.reject(new Deno.errors.Busy("Another read() waits"));
    }
    return new Promise((resolve, reject) => {
      this.#reader = { bytes, resolve, reject };
      this.#move();
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#writer !== undefined) {
      return Promise.reject(new Deno.errors.Busy("Another write() waits"));
    }
    return new Promise((resolve, reject) => {
      this.#writer = { bytes, resolve, reject };
      this.#move();
    });
  }

  /** What is in the buffer can still be read, nothing more be written. */
  end(): void {
    this.#ended = true;
    this.#move();
  }

  /** Both ends of this direction reject from now on. */
  fail(error: Error): void {
    this.#readError ??= error;
    this.#writeError ??= new Deno.errors.BrokenPipe("The reader is gone");
    this.#chunks = [];
    this.length = 0;
    this.#move();
  }

  #move(): void {
    this.#give();
    this.#take();
    this.#give();
  }

  /** Serves the waiting writer as far as there is room. */
  #take(): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    const error = this.#writeError ??
      (this.#ended ? new Deno.errors.BrokenPipe("Ended") : undefined);
    const taken = Math.min(
      writer.bytes.length,
      this.#capacity - this.length,
      this.#maxWriteBytes,
    );
    if (error === undefined && taken === 0 && writer.bytes.length > 0) return;
    this.#writer = undefined;
    if (error !== undefined) return writer.reject(error);
    this.#chunks.push(writer.bytes.slice(0, taken));
    this.length += taken;
    writer.resolve(taken);
  }

  /** Serves the waiting reader with what the buffer holds. */
  #give(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    if (this.#readError === undefined && this.length === 0 && !this.#ended) {
      return;
    }
    this.#reader = undefined;
    if (this.#readError !== undefined) return reader.reject(this.#readError);
    if (this.length === 0) return reader.resolve(null);
    const most = Math.min(reader.bytes.length, this.#maxReadBytes);
    let filled = 0;
    while (filled < most && this.#chunks.length > 0) {
      const chunk = this.#chunks[0]!;
      const part = chunk.subarray(0, most - filled);
      reader.bytes.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.length -= filled;
    reader.resolve(filled);
  }
}
