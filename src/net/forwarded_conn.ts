/** A connection that a proxy made for somebody else. */
import type { Conn, RemoteAddress } from "./conn.ts";

const NOTHING = new Uint8Array(0);

/** The same connection, with the client's address in place of the proxy's. */
export class ForwardedConn implements Conn {
  readonly remote: RemoteAddress;
  readonly #conn: Conn;
  /** Was read already, and belongs to whoever reads. */
  #rest: Uint8Array;

  constructor(conn: Conn, remote: RemoteAddress, rest: Uint8Array = NOTHING) {
    this.#conn = conn;
    this.remote = remote;
    this.#rest = rest;
  }

  /** `conn` under the address of whose it is. */
  static of(conn: Conn, { remote }: { remote: RemoteAddress }): Conn {
    return remote === conn.remote ? conn : new ForwardedConn(conn, remote);
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.#rest.length === 0) return this.#conn.read(into);
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return Promise.resolve(part.length);
  }

  write(data: Uint8Array): Promise<number> {
    return this.#conn.write(data);
  }

  async isDraining(withinMs: number): Promise<boolean> {
    return await this.#conn.isDraining?.(withinMs) ?? false;
  }

  close(): void {
    this.#rest = NOTHING;
    this.#conn.close();
  }
}
