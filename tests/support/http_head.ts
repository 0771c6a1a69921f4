/** The HTTP that comes before DERP, in the least that a test needs. */
import type { DerpStart } from "../../src/relay/handshake.ts";
import { concatBytes } from "../../src/util/bytes.ts";
import type { MemoryConn } from "./conn_pair.ts";

/** What a relay answers to an upgrade. */
export const SWITCHING: Uint8Array = new TextEncoder().encode(
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\nDerp-Version: 2\r\n\r\n",
);

/** Reads a request's head; undefined where the client leaves before its end. */
export async function readHead(
  conn: MemoryConn,
): Promise<{ head: string; rest: Uint8Array } | undefined> {
  let bytes = new Uint8Array();
  const into = new Uint8Array(4096);
  for (;;) {
    const text = new TextDecoder("latin1").decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) {
      return { head: text.slice(0, end), rest: bytes.slice(end + 4) };
    }
    const count = await conn.read(into).catch(() => null);
    if (count === null) return undefined;
    bytes = concatBytes(bytes, into.subarray(0, count)) as typeof bytes;
  }
}

/** How a relay goes on after an upgrade. */
export function startAfter(rest: Uint8Array): DerpStart {
  return { preface: SWITCHING, rest, notIdeal: false };
}
