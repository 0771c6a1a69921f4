/** A TCP or TLS connection of the runtime as a `Conn`. */
import { unmapIp } from "../util/ip.ts";
import type { Conn, RemoteAddress } from "./conn.ts";

export class DenoConn implements Conn {
  readonly remote: RemoteAddress;
  readonly #conn: Deno.Conn;
  #isClosed = false;

  constructor(conn: Deno.Conn) {
    const { hostname, port } = conn.remoteAddr as Deno.NetAddr;
    this.remote = { ip: unmapIp(hostname), port };
    this.#conn = conn;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into);
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
