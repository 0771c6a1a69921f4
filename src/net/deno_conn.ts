/** A TCP or TLS connection of the runtime as a `Conn`. */
import { unmapIp } from "../util/ip.ts";
import type { Conn, RemoteAddress } from "./conn.ts";
import type { UnfinishedTls } from "./unfinished_tls.ts";

export class DenoConn implements Conn {
  readonly remote: RemoteAddress;
  readonly #conn: Deno.Conn;
  readonly #unfinished: UnfinishedTls | undefined;
  /** Whether it is the server's end of TLS, and its handshake may not be over. */
  #isUnfinished: boolean;
  #isClosed = false;

  /** `unfinished` for the server's end of TLS. */
  constructor(conn: Deno.Conn, unfinished?: UnfinishedTls) {
    const { hostname, port } = conn.remoteAddr as Deno.NetAddr;
    this.remote = { ip: unmapIp(hostname), port };
    this.#conn = conn;
    this.#unfinished = unfinished;
    this.#isUnfinished = unfinished !== undefined;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#isUnfinished ? this.#readFirst(into) : this.#conn.read(into);
  }

  write(data: Uint8Array): Promise<number> {
    return this.#conn.write(data);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
    if (this.#isUnfinished) this.#unfinished?.add(this.remote);
  }

  async #readFirst(into: Uint8Array): Promise<number | null> {
    const bytes = await this.#conn.read(into);
    this.#isUnfinished = false;
    return bytes;
  }
}
