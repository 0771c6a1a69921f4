/** Splits a byte stream into frames, in place. */
import { readUint32 } from "../util/bytes.ts";
import { ProtocolError } from "./errors.ts";
import { FRAME_HEADER_BYTES, frameName, type PayloadLimits } from "./frame.ts";

/** An idle connection holds one buffer of this size. */
const SMALL_BYTES = 2 * 1024;
/** A TLS read brings at most one record of 16 KiB; a plain one whatever fits. */
const LARGE_BYTES = 32 * 1024;

/**
 * Holds the bytes read and not yet handled. Fill `space()`, say `filled(n)`,
 * then call `next()` until it is false; after each true, `type` and
 * `buffer[start..end)` are the frame and its payload, valid until `space()`.
 *
 * The buffer grows only when it was filled to its end, so a sender holds at
 * most four times the memory of what it has really sent.
 */
export class FrameReader {
  buffer = new Uint8Array(SMALL_BYTES);
  type = 0;
  start = 0;
  end = 0;
  #limits: PayloadLimits;
  /** What has been handled ends here. */
  #done = 0;
  /** What has been read ends here. */
  #filled = 0;
  /** Bytes of an unknown frame that are still to come and go unread. */
  #skip = 0;

  constructor(limits: PayloadLimits, first: Uint8Array) {
    this.#limits = limits;
    if (first.length > this.buffer.length) {
      this.buffer = new Uint8Array(first.length);
    }
    this.buffer.set(first);
    this.#filled = first.length;
  }

  /** Applies other limits to the frames to come. */
  setLimits(limits: PayloadLimits): void {
    this.#limits = limits;
  }

  /** Where to read to; never empty. */
  space(): Uint8Array {
    const pending = this.#filled - this.#done;
    const size = this.#sizeFor(pending);
    if (size !== this.buffer.length) {
      const moved = new Uint8Array(size);
      moved.set(this.buffer.subarray(this.#done, this.#filled));
      this.buffer = moved;
    } else if (this.#done > 0 && pending > 0) {
      this.buffer.copyWithin(0, this.#done, this.#filled);
    }
    this.#done = 0;
    this.#filled = pending;
    return pending === 0 ? this.buffer : this.buffer.subarray(pending);
  }

  /** Notes that `bytes` were read into `space()`. */
  filled(bytes: number): void {
    this.#filled += bytes;
    if (this.#skip === 0) return;
    const skipped = Math.min(this.#skip, this.#filled - this.#done);
    this.#skip -= skipped;
    this.#done += skipped;
  }

  /**
   * Moves on to the next whole frame. A frame of unknown type is reported as
   * soon as its header is there, with an empty payload; its bytes are skipped.
   *
   * @throws ProtocolError as soon as a header announces a length out of bounds.
   */
  next(): boolean {
    const available = this.#filled - this.#done;
    if (available < FRAME_HEADER_BYTES) return false;
    const type = this.buffer[this.#done]!;
    const payloadBytes = readUint32(this.buffer, this.#done + 1);
    const limit = this.#limits[type];
    this.type = type;
    this.start = this.#done + FRAME_HEADER_BYTES;
    if (limit === undefined) {
      const skipped = Math.min(payloadBytes, available - FRAME_HEADER_BYTES);
      this.#skip = payloadBytes - skipped;
      this.end = this.start;
      this.#done = this.start + skipped;
      return true;
    }
    if (payloadBytes < limit.minBytes || payloadBytes > limit.maxBytes) {
      throw new ProtocolError(
        "frame_length",
        `${
          frameName(type)
        } frame of ${payloadBytes} bytes, allowed are ${limit.minBytes} to ${limit.maxBytes}`,
      );
    }
    if (available < FRAME_HEADER_BYTES + payloadBytes) return false;
    this.end = this.start + payloadBytes;
    this.#done = this.end;
    return true;
  }

  /** The payload of the frame at hand, valid until `space()`. */
  payload(): Uint8Array {
    return this.buffer.subarray(this.start, this.end);
  }

  /** The buffer's next size: fourfold after a read that filled it, a quarter when little came. */
  #sizeFor(pending: number): number {
    const size = this.buffer.length;
    if (pending === size) return size * 2; // one frame larger than all that was read so far
    if (this.#filled === size) {
      return Math.min(size * 4, Math.max(size, LARGE_BYTES));
    }
    const isMostlyEmpty = this.#filled < size / 8;
    if (isMostlyEmpty) return Math.max(size / 4, SMALL_BYTES);
    return size;
  }
}
