/** A `Conn` as a Node stream, for `ws` and nothing else: streams are slow. */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { Turn } from "../util/clock.ts";
import { concatBytes } from "../util/bytes.ts";
import { type Conn, writeAll } from "./conn.ts";

const READ_BYTES = 16 * 1024;

/** Wraps `conn`; the stream owns it. A `Conn` has no half-close, so that ending the stream ends both ways. */
export function connDuplex(conn: Conn, turn: Turn): Duplex {
  const buffer = new Uint8Array(READ_BYTES);
  const duplex = new Duplex({
    readableHighWaterMark: READ_BYTES,
    read() {
      // A turn each time: one read may bring hundreds of small messages.
      turn.wait().then(() => conn.read(buffer)).then((bytes) => {
        if (duplex.destroyed) return;
        // Copied: ws keeps what it is given, and unmasks it in place.
        duplex.push(
          bytes === null ? null : Buffer.from(buffer.subarray(0, bytes)),
        );
      }, (error) => void duplex.destroy(error));
    },
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(conn, chunk).then(() => done(), done);
    },
    /** ws hands over the head and the payload of a message apart: one write for both. */
    writev(chunks: { chunk: Uint8Array }[], done) {
      const data = concatBytes(...chunks.map(({ chunk }) => chunk));
      writeAll(conn, data).then(() => done(), done);
    },
    destroy(error, done) {
      conn.close();
      done(error);
    },
  });
  duplex.once("finish", () => void duplex.destroy());
  return duplex;
}
