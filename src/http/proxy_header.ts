/** The beginning of a connection from a trusted proxy, which may be a PROXY header. */
import type { Conn } from "../net/conn.ts";
import { ForwardedConn } from "../net/forwarded_conn.ts";
import {
  MAX_PROXY_HEADER_BYTES,
  parseProxyHeader,
} from "../net/proxy_protocol.ts";
import type { Clock } from "../util/clock.ts";
import type { Client } from "./client_address.ts";
import type { HttpEnd } from "./connection.ts";
import { Deadline, DeadlineError } from "./deadline.ts";

/** As for the head of a request. */
const READ_TIMEOUT_MS = 30_000;

/** A connection, and who is at its other end. */
export interface Peer extends Client {
  readonly conn: Conn;
}

/**
 * Reads the header, if there is one, and gives the connection under the address
 * in it; what was read beyond it comes with the next reads. Where it can't be
 * read, or nothing comes in time, gives the end. Never rejects.
 */
export async function readProxyHeader(
  conn: Conn,
  clock: Clock,
): Promise<Peer | HttpEnd> {
  const deadline = new Deadline(clock, READ_TIMEOUT_MS);
  const buffer = new Uint8Array(MAX_PROXY_HEADER_BYTES);
  let filled = 0;
  try {
    for (;;) {
      const bytes = await deadline.wait(conn.read(buffer.subarray(filled)));
      if (bytes === null) return unfinished(filled);
      filled += bytes;
      const begun = begin(conn, buffer.subarray(0, filled));
      if (begun !== undefined) return begun;
    }
  } catch (error) {
    return error instanceof DeadlineError
      ? unfinished(filled)
      : { kind: "broken", error };
  }
}

/** Undefined where more bytes are needed. */
function begin(conn: Conn, data: Uint8Array): Peer | HttpEnd | undefined {
  const header = parseProxyHeader(data);
  switch (header.kind) {
    case "unfinished":
      return undefined;
    case "malformed":
      return refused(`its PROXY header can't be used: ${header.why}`);
    case "none":
      return peer(conn, { remote: conn.remote }, data);
    case "header": {
      const { bytes, source } = header;
      const client: Client = source === undefined
        ? { remote: conn.remote, proxy: "unknown" }
        : { remote: source, proxy: "trusted" };
      return peer(conn, client, data.subarray(bytes));
    }
  }
}

function peer(conn: Conn, client: Client, rest: Uint8Array): Peer {
  // A copy, so that the buffer isn't kept for as long as the connection lasts.
  const forwarded = new ForwardedConn(conn, client.remote, rest.slice());
  return { ...client, conn: forwarded };
}

/** Who has said nothing isn't told of. */
function unfinished(filled: number): HttpEnd {
  return filled === 0
    ? { kind: "closed" }
    : refused("its PROXY header never came to its end");
}

function refused(why: string): HttpEnd {
  return { kind: "proxy_header", why };
}
