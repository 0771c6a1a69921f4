/** What waits for one connection: frames that are no packets, disco packets, and the rest. */
import { looksLikeDisco } from "../derp/disco.ts";
import {
  FRAME_HEADER_BYTES,
  FrameType,
  writeFrameHeader,
} from "../derp/frame.ts";
import type { ChunkPool } from "./chunk_pool.ts";
import type { DropReason } from "./drop_reason.ts";
import { type Chunk, FrameQueue } from "./frame_queue.ts";
import type { RelayMetrics } from "./metrics.ts";
import { QueueLimit } from "./queue_limit.ts";

const KEY = 32;
/** derper's queues hold as many, of whatever size, and clients count on that; below it nothing is dropped. */
const MIN_LIMIT_PACKETS = 32;
/** Disco packets have about 150 bytes. */
const DISCO_LIMIT_BYTES = 16 * 1024;

/**
 * Control frames go first and are never dropped. Disco and other packets take
 * turns, so that neither holds the other up; each queue is bounded in bytes,
 * and when it is full its oldest packet goes (`queue_head`).
 */
export class SendQueue {
  readonly #pool: ChunkPool;
  readonly #metrics: RelayMetrics;
  readonly #control: FrameQueue;
  readonly #disco: FrameQueue;
  readonly #other: FrameQueue;
  #discoWasLast = false;
  /** The bound of the queue of other packets; whoever writes tells it how that went. */
  readonly otherLimit: QueueLimit = new QueueLimit();
  /** Packets lost here, for whatever reason. */
  droppedPackets = 0;

  constructor(pool: ChunkPool, metrics: RelayMetrics) {
    this.#pool = pool;
    this.#metrics = metrics;
    this.#control = new FrameQueue("control", pool);
    this.#disco = new FrameQueue("disco", pool);
    this.#other = new FrameQueue("other", pool);
  }

  get controlBytes(): number {
    return this.#control.queuedBytes;
  }

  /** All that waits, headers and keys included. */
  get queuedBytes(): number {
    return this.#control.queuedBytes + this.#disco.queuedBytes +
      this.#other.queuedBytes;
  }

  get isEmpty(): boolean {
    return this.#other.queuedBytes === 0 && this.#disco.queuedBytes === 0 &&
      this.#control.queuedBytes === 0;
  }

  /** Queues a whole frame that is no packet. */
  pushControl(frame: Uint8Array): void {
    const chunk = this.#control.append(frame.length);
    chunk.bytes.set(frame, chunk.end - frame.length);
  }

  /** Queues RecvPacket: 32B source key, packet `from[start..end)`. */
  pushRecvPacket(
    source: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
  ): void {
    const chunk = this.#append(from, start, end, KEY + end - start);
    fill(chunk, FrameType.RecvPacket, source, from.subarray(start, end));
  }

  /** Queues ForwardPacket: 32B source key, and the payload `from[start..end)` of a SendPacket. */
  pushForwardPacket(
    source: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
  ): void {
    const chunk = this.#append(from, start + KEY, end, KEY + end - start);
    fill(chunk, FrameType.ForwardPacket, source, from.subarray(start, end));
  }

  /** Makes room for a packet `from[start..end)` in its kind's queue, at the oldest ones' expense. */
  #append(
    from: Uint8Array,
    start: number,
    end: number,
    payloadBytes: number,
  ): Chunk {
    const isDisco = looksLikeDisco(from, start, end);
    const queue = isDisco ? this.#disco : this.#other;
    const limitBytes = isDisco ? DISCO_LIMIT_BYTES : this.otherLimit.bytes;
    const frameBytes = FRAME_HEADER_BYTES + payloadBytes;
    while (
      queue.queuedFrames >= MIN_LIMIT_PACKETS &&
      queue.queuedBytes + frameBytes > limitBytes
    ) {
      const bytes = queue.dropOldest();
      this.droppedPackets++;
      this.#metrics.drop("queue_head", isDisco ? "disco" : "other", {
        packets: 1,
        bytes,
      });
    }
    return queue.append(frameBytes, this.otherLimit.gatherBytes);
  }

  /** Takes what is to be written next; hand it to `written()` or `lost()` afterwards. */
  take(): Chunk | undefined {
    const control = this.#control.take();
    if (control !== undefined) return control;
    const [first, second] = this.#discoWasLast
      ? [this.#other, this.#disco]
      : [this.#disco, this.#other];
    const { writeBytes } = this.otherLimit;
    const chunk = first.take(writeBytes) ?? second.take(writeBytes);
    if (chunk !== undefined) this.#discoWasLast = chunk.kind === "disco";
    return chunk;
  }

  /** Counts a chunk as written and takes its buffer back. */
  written(chunk: Chunk): void {
    this.#metrics.bufferedWriteFrames.observe(chunk.frames);
    this.#pool.give(chunk);
  }

  /** Counts a chunk's packets as lost. */
  lost(chunk: Chunk, reason: DropReason): void {
    if (chunk.kind === "control") return;
    this.droppedPackets += chunk.frames;
    this.#metrics.drop(reason, chunk.kind, {
      packets: chunk.frames,
      bytes: chunk.packetBytes(),
    });
  }

  /** Drops all that waits, for a connection that has ended. */
  discard(): void {
    for (let chunk = this.take(); chunk !== undefined; chunk = this.take()) {
      this.lost(chunk, "gone_disconnected");
      this.#pool.give(chunk);
    }
  }
}

/** Writes a frame of source key and `rest` to the end of a chunk that has room for it there. */
function fill(
  chunk: Chunk,
  type: FrameType,
  source: Uint8Array,
  rest: Uint8Array,
): void {
  const payloadBytes = KEY + rest.length;
  const offset = chunk.end - payloadBytes - FRAME_HEADER_BYTES;
  const at = writeFrameHeader(chunk.bytes, type, { offset, payloadBytes });
  chunk.bytes.set(source, at);
  chunk.bytes.set(rest, at + KEY);
}
