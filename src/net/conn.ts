/** What the relay needs of a connection, whichever transport is under it. */

/** The other end's address; an IPv4 address is never written as IPv6. */
export interface RemoteAddress {
  readonly ip: string;
  readonly port: number;
}

/** Bytes both ways; nobody is identified yet. */
export interface Conn {
  readonly remote: RemoteAddress;
  /** Reads at least one byte into `into`; resolves to how many, or to null at the end of the stream. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes a part of `data`, which must not change meanwhile; resolves to how many bytes were taken. */
  write(data: Uint8Array): Promise<number>;
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
