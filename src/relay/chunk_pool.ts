/** Write buffers, shared by all sessions, so that an idle one holds none. */
import { FRAME_HEADER_BYTES, MAX_PACKET_BYTES } from "../derp/frame.ts";
import { Chunk } from "./frame_queue.ts";

/** One TLS record's worth: what is written at once, and waited for by what comes after. */
const CHUNK_BYTES = 16 * 1024;
/** Room for the largest frame, a ForwardPacket. */
const LARGE_CHUNK_BYTES = FRAME_HEADER_BYTES + 2 * 32 + MAX_PACKET_BYTES;
/** Kept for reuse: 4 MiB of usual chunks and 1 MiB of large ones. */
const MAX_IDLE_CHUNKS = 256;
const MAX_IDLE_LARGE_CHUNKS = 16;

/** Chunks come back as they were written: whoever takes one overwrites what it sends. */
export class ChunkPool {
  readonly #idle: Chunk[] = [];
  readonly #idleLarge: Chunk[] = [];

  /** An empty chunk with room for a frame of `frameBytes`, or for more. */
  take(frameBytes: number): Chunk {
    if (frameBytes <= CHUNK_BYTES) {
      return this.#idle.pop() ?? new Chunk(new Uint8Array(CHUNK_BYTES));
    }
    // The control queue may hold a frame that is larger than any packet's.
    if (frameBytes > LARGE_CHUNK_BYTES) {
      return new Chunk(new Uint8Array(frameBytes));
    }
    return this.#idleLarge.pop() ??
      new Chunk(new Uint8Array(LARGE_CHUNK_BYTES));
  }

  /** Takes a chunk back that nobody reads or writes any more. */
  give(chunk: Chunk): void {
    chunk.start = chunk.end = chunk.frames = 0;
    if (chunk.bytes.length === CHUNK_BYTES) {
      if (this.#idle.length < MAX_IDLE_CHUNKS) this.#idle.push(chunk);
    } else if (
      chunk.bytes.length === LARGE_CHUNK_BYTES &&
      this.#idleLarge.length < MAX_IDLE_LARGE_CHUNKS
    ) {
      this.#idleLarge.push(chunk);
    }
  }
}
