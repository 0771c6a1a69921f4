/** What the relay needs of a connection, whichever transport is under it. */

/** The other end's address; an IPv4 address is never written as IPv6. */
export interface RemoteAddress {
  readonly ip: string;
  readonly port: number;
}

/** Whoever is at the other end of a unix socket: somebody on this machine. To be known by its identity. */
export const UNIX_PEER: RemoteAddress = Object.freeze({
  ip: "127.0.0.1",
  port: 0,
});

/** Bytes both ways; nobody is identified yet. */
export interface Conn {
  readonly remote: RemoteAddress;
  /** Reads at least one byte into `into`; resolves to how many, or to null at the end of the stream. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes a part of `data`, which must not change meanwhile; resolves to how many bytes were taken. */
  write(data: Uint8Array): Promise<number>;
  /**
   * Whether what was written before is on its way to the other end, however
   * slowly, with a sign of that within `withinMs`: over a slow network a write
   * may wait for long while the kernel makes up for what was lost. Missing, or
   * false, where that can't be known.
   */
  isDraining?(withinMs: number): Promise<boolean>;
  /** Ends both directions; what is pending rejects or reads as ended. May be called again. */
  close(): void;
}

/** Writes all of `data`. */
export async function writeAll(conn: Conn, data: Uint8Array): Promise<void> {
  let written = 0;
  while (written < data.length) {
    written += await conn.write(data.subarray(written));
  }
}

/** Thrown by a `Conn` that isn't the runtime's own when it has ended. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionReset";
}

/** Names of the errors that the runtime's connections end with, when the other side or we close them. */
const LOST = new Set([
  "BadResource",
  "BrokenPipe",
  "ConnectionAborted",
  "ConnectionReset",
  "Interrupted",
  "NotConnected",
  "TimedOut", // TCP_USER_TIMEOUT
  "UnexpectedEof", // TLS without close_notify: most clients just leave
]);

/** Whether `error` only says that a connection is over, as all are some day. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && LOST.has(error.name);
}

/** Whether `error` says that the other side doesn't speak TLS, or not ours: garbage, an old version, a refused certificate. */
export function isTlsError(error: unknown): boolean {
  return error instanceof Error && error.name === "InvalidData";
}
