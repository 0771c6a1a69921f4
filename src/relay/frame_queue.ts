/** Frames that wait to be written, in buffers that can be written as they are. */
import { FRAME_HEADER_BYTES, FrameType } from "../derp/frame.ts";
import { readUint32 } from "../util/bytes.ts";
import type { ChunkPool } from "./chunk_pool.ts";
import type { PacketKind } from "./drop_reason.ts";

/** What frames are queued for: packets by kind, or all that is no packet. */
export type QueueKind = PacketKind | "control";

/** A run of whole frames, `bytes[start..end)`. */
export class Chunk {
  readonly bytes: Uint8Array;
  kind: QueueKind = "control";
  start = 0;
  end = 0;
  frames = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Bytes of the packets within, headers and keys not counted. */
  packetBytes(): number {
    return this.end - this.start -
      this.frames * packetOverheadBytes(this.bytes[this.start]!);
  }
}

/** Header and keys of a frame with a packet; one queue holds one type. */
function packetOverheadBytes(type: number): number {
  return FRAME_HEADER_BYTES + (type === FrameType.ForwardPacket ? 64 : 32);
}

/** The length of the frame that begins at `offset`. */
function frameBytesAt(chunk: Chunk, offset: number): number {
  return FRAME_HEADER_BYTES + readUint32(chunk.bytes, offset + 1);
}

/** First in, first out; appending never moves what is already there. */
export class FrameQueue {
  readonly kind: QueueKind;
  readonly #pool: ChunkPool;
  readonly #chunks: Chunk[] = [];
  /** All that waits, frame headers included. */
  queuedBytes = 0;
  queuedFrames = 0;

  constructor(kind: QueueKind, pool: ChunkPool) {
    this.kind = kind;
    this.#pool = pool;
  }

  /**
   * Makes room for a frame; the caller writes it to the last `frameBytes`
   * before the chunk's end. Where chunks wait already, a new one has room for
   * `gatherBytes`: they go out in one write.
   */
  append(frameBytes: number, gatherBytes = 0): Chunk {
    let chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk === undefined || chunk.bytes.length - chunk.end < frameBytes) {
      const room = chunk === undefined ? frameBytes : gatherBytes;
      chunk = this.#pool.take(Math.max(frameBytes, room));
      chunk.kind = this.kind;
      this.#chunks.push(chunk);
    }
    chunk.end += frameBytes;
    chunk.frames++;
    this.queuedBytes += frameBytes;
    this.queuedFrames++;
    return chunk;
  }

  /**
   * Takes the oldest frames out, at most `maxBytes` where these are more than
   * one; give the chunk back to the pool when it has been written.
   */
  take(maxBytes = Infinity): Chunk | undefined {
    const first = this.#chunks[0];
    if (first === undefined) return undefined;
    const chunk = first.end - first.start > maxBytes && first.frames > 1
      ? this.#split(first, maxBytes)
      : this.#chunks.shift()!;
    this.queuedBytes -= chunk.end - chunk.start;
    this.queuedFrames -= chunk.frames;
    return chunk;
  }

  /** Moves a chunk's oldest frames to one of their own: a copy, but only slow receivers come here. */
  #split(from: Chunk, maxBytes: number): Chunk {
    let end = from.start;
    let frames = 0;
    for (let next = end; frames < from.frames; frames++) {
      next += frameBytesAt(from, next);
      if (frames > 0 && next - from.start > maxBytes) break;
      end = next;
    }
    const chunk = this.#pool.take(end - from.start);
    chunk.kind = from.kind;
    chunk.bytes.set(from.bytes.subarray(from.start, end));
    chunk.end = end - from.start;
    chunk.frames = frames;
    from.start = end;
    from.frames -= frames;
    return chunk;
  }

  /** Drops the oldest packet, of which there must be one, and returns its length without header and keys. */
  dropOldest(): number {
    const chunk = this.#chunks[0]!;
    const type = chunk.bytes[chunk.start]!;
    const frameBytes = frameBytesAt(chunk, chunk.start);
    chunk.start += frameBytes;
    chunk.frames--;
    this.queuedBytes -= frameBytes;
    this.queuedFrames--;
    if (chunk.frames === 0) {
      this.#chunks.shift();
      this.#pool.give(chunk);
    }
    return frameBytes - packetOverheadBytes(type);
  }
}
