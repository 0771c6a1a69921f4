/** A TCP or TLS connection of the runtime as a `Conn`. */
import { unmapIp } from "../util/ip.ts";
import type { Conn, RemoteAddress } from "./conn.ts";
import type { LoopTurn } from "./loop_turn.ts";

/** How much one connection may read before all others get their turn. */
const TURN_BYTES = 64 * 1024;

export class DenoConn implements Conn {
  readonly remote: RemoteAddress;
  readonly #conn: Deno.Conn;
  readonly #turn: LoopTurn;
  /** At most what was read since the last turn: room offered, not bytes got, costs no promise of its own. */
  #turnBytes = 0;
  #isClosed = false;

  constructor(conn: Deno.Conn, turn: LoopTurn) {
    const { hostname, port } = conn.remoteAddr as Deno.NetAddr;
    this.remote = { ip: unmapIp(hostname), port };
    this.#conn = conn;
    this.#turn = turn;
  }

  read(into: Uint8Array): Promise<number | null> {
    this.#turnBytes += into.length;
    if (this.#turnBytes <= TURN_BYTES) return this.#conn.read(into);
    this.#turnBytes = into.length;
    return this.#turn.wait().then(() => this.#conn.read(into));
  }

  write(data: Uint8Array): Promise<number> {
    return this.#conn.write(data);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }
}
