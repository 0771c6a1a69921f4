/** The program's own error output, and whether anybody reads it (Linux). */
import { type Libc, openLibc } from "./libc.ts";

const STDERR = 2;
const POLLOUT = 4;
const LITTLE_ENDIAN = true;
/** PIPE_BUF: a pipe, socket or terminal that is ready takes that much without waiting. */
const READY_BYTES = 4096;

/** A `LineSink`; where the system can't tell, writing may wait for the reader. */
export class StandardError {
  readonly #libc: Libc | undefined;
  /** struct pollfd: 4B descriptor, 2B events wanted, 2B events found. */
  readonly #poll = new Uint8Array(8);

  constructor() {
    const fields = new DataView(this.#poll.buffer);
    fields.setInt32(0, STDERR, LITTLE_ENDIAN);
    fields.setInt16(4, POLLOUT, LITTLE_ENDIAN);
    try {
      this.#libc = openLibc();
    } catch {
      // another system, or no permission: as if it were always ready
    }
  }

  /** 0 while nobody reads; whoever has gone is found by writing. */
  get room(): number {
    const found = this.#libc?.symbols.poll(this.#poll, 1n, 0);
    return found === 0 ? 0 : READY_BYTES;
  }

  /** Writes a part of `data`. */
  write(data: Uint8Array): number {
    return Deno.stderr.writeSync(data);
  }
}
