/** A TCP, TLS or unix connection of the runtime as a `Conn`. */
import { unmapIp } from "../util/ip.ts";
import { type Conn, type RemoteAddress, UNIX_PEER } from "./conn.ts";
import type { TcpState } from "./tcp_state.ts";
import type { UnfinishedTls } from "./unfinished_tls.ts";

/** What a listener's connections share. */
export interface DenoConnParts {
  /** For the server's end of TLS. */
  readonly unfinished?: UnfinishedTls | undefined;
  /** Undefined: the kernel isn't asked whether the other end is only slow. */
  readonly tcpState?: TcpState | undefined;
}

export class DenoConn implements Conn {
  readonly remote: RemoteAddress;
  readonly #conn: Deno.Conn;
  /** Until the handshake is over. */
  #unfinished: UnfinishedTls | undefined;
  readonly #tcpState: TcpState | undefined;
  /** Where it is known. */
  #descriptor: number | undefined;
  #isClosed = false;

  constructor(
    conn: Deno.Conn,
    { unfinished, tcpState }: DenoConnParts = {},
  ) {
    const address = conn.remoteAddr as Deno.NetAddr | Deno.UnixAddr;
    this.remote = "path" in address
      ? UNIX_PEER
      : { ip: unmapIp(address.hostname), port: address.port };
    this.#conn = conn;
    this.#unfinished = unfinished;
    this.#tcpState = tcpState;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#unfinished ? this.#readFirst(into) : this.#conn.read(into);
  }

  write(data: Uint8Array): Promise<number> {
    return this.#conn.write(data);
  }

  async isDraining(withinMs: number): Promise<boolean> {
    const state = this.#tcpState;
    const own = this.#conn.localAddr;
    if (state === undefined || !("port" in own)) return false;
    const { port } = own;
    this.#descriptor ??= await state.find({ port, remote: this.remote });
    // After close() the descriptor may be another connection's.
    return !this.#isClosed && this.#descriptor !== undefined &&
      state.isDraining(this.#descriptor, withinMs);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
    this.#unfinished?.add(this.remote);
  }

  async #readFirst(into: Uint8Array): Promise<number | null> {
    const bytes = await this.#conn.read(into);
    this.#unfinished = undefined;
    return bytes;
  }
}
