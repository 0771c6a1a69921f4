/** The way out of one connection: drains its queues, one write at a time. */
import type { Conn } from "../net/conn.ts";
import type { Cancel, Clock } from "../util/clock.ts";
import type { ChunkPool } from "./chunk_pool.ts";
import type { Chunk } from "./frame_queue.ts";
import type { RelayMetrics } from "./metrics.ts";
import { SendQueue } from "./send_queue.ts";
import type { WriteBatch } from "./write_batch.ts";

/** Where the other end gets what was written before, if slowly, a write may take this many times its time. */
const MAX_TIMEOUTS = 15;
/** How often it is looked at then. */
const CHECKS_PER_TIMEOUT = 4;

/** What all writers of a relay share. */
export interface WriterParts {
  readonly pool: ChunkPool;
  readonly batch: WriteBatch;
  readonly clock: Clock;
  readonly metrics: RelayMetrics;
}

/** How one writer treats its connection. */
export interface WriterOptions {
  /** How long one write may take; 0 is for ever. */
  readonly timeoutMs: number;
  /** How much the frames that are no packets may take up; more ends the connection. */
  readonly controlLimitBytes: number;
  /** Whether packets count as sent to a client. */
  readonly countsSent: boolean;
  /** Called once when the connection can't be written to any more; it is closed by then. */
  onFailed(error: WriteError): void;
}

/** Why a connection can't be written to. */
export class WriteError extends Error {
  override readonly name = "WriteError";
  readonly code: "timeout" | "control_queue_full" | "connection";

  constructor(
    code: WriteError["code"],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
  }
}

/** Writes what is queued; while a write is under way, frames gather for the next. */
export class Writer {
  readonly #conn: Conn;
  readonly #parts: WriterParts;
  readonly #options: WriterOptions;
  readonly #queue: SendQueue;
  #state: "idle" | "marked" | "writing" | "closed" = "idle";
  /** When the oldest frame that waits was queued; -1 when none does. */
  #queuedMs = -1;
  /** When the write under way began. */
  #writeMs = 0;
  /** When the connection last took a part of it. */
  #progressMs = 0;
  #cancelWatch: Cancel | undefined;
  /** Somebody waits until nothing is left to write. */
  #drained: PromiseWithResolvers<void> | undefined;
  /** Packets that went out over this connection. */
  sentPackets = 0;
  sentBytes = 0;

  constructor(conn: Conn, parts: WriterParts, options: WriterOptions) {
    this.#conn = conn;
    this.#parts = parts;
    this.#options = options;
    this.#queue = new SendQueue(parts.pool, parts.metrics);
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Bytes that wait to be written, those of a write under way not counted. */
  get queuedBytes(): number {
    return this.#queue.queuedBytes;
  }

  /** Packets that were queued here and lost, for whatever reason. */
  get droppedPackets(): number {
    return this.#queue.droppedPackets;
  }

  /** Queues a whole frame that is no packet. */
  sendControl(frame: Uint8Array): void {
    if (this.#state === "closed") return;
    if (
      this.#queue.controlBytes + frame.length > this.#options.controlLimitBytes
    ) {
      this.#fail(
        new WriteError(
          "control_queue_full",
          "too many control frames are waiting",
        ),
      );
      return;
    }
    this.#queue.pushControl(frame);
    this.#mark();
  }

  /** Queues RecvPacket with the packet `from[start..end)`. */
  sendPacket(
    source: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#queue.pushRecvPacket(source, from, start, end);
    this.#mark();
  }

  /** Queues ForwardPacket with the payload `from[start..end)` of a SendPacket. */
  forwardPacket(
    source: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#queue.pushForwardPacket(source, from, start, end);
    this.#mark();
  }

  /** Resolves when all that was queued is written, or never will be. */
  drained(): Promise<void> {
    if (this.#state === "idle" || this.#state === "closed") {
      return Promise.resolve();
    }
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** Called by the batch. */
  flush(nowMs: number): void {
    if (this.#state !== "marked") return;
    this.#queuedMs = nowMs; // in the same turn of synchronous code
    void this.#drain(nowMs); // never rejects: it ends in #fail
  }

  /** Drops what waits and ends the connection. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#cancelWatch?.();
    this.#queue.discard();
    this.#conn.close();
    this.#drained?.resolve();
  }

  #mark(): void {
    if (this.#state === "closed") return this.#queue.discard(); // counts what came too late
    if (this.#state === "idle") {
      this.#state = "marked";
      this.#parts.batch.mark(this);
    } else if (this.#state === "writing" && this.#queuedMs < 0) {
      this.#queuedMs = this.#parts.clock.nowMs();
    }
  }

  /** Writes what is queued, one chunk after the other, until nothing is left or the connection has ended. */
  async #drain(nowMs: number): Promise<void> {
    const { clock } = this.#parts;
    this.#state = "writing";
    for (
      let chunk = this.#queue.take();
      chunk !== undefined;
      chunk = this.#queue.take()
    ) {
      this.#noteWriting(nowMs);
      try {
        for (let at = chunk.start; at < chunk.end;) {
          at += await this.#conn.write(chunk.bytes.subarray(at, chunk.end));
          nowMs = clock.nowMs();
          this.#progressMs = nowMs;
        }
      } catch (cause) {
        this.#queue.lost(chunk, "write_error");
        this.#fail(new WriteError("connection", "writing failed", { cause }));
        return;
      }
      this.#noteWritten(chunk, nowMs - this.#writeMs);
      if (this.isClosed) return;
    }
    this.#state = "idle";
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #noteWriting(nowMs: number): void {
    this.#writeMs = this.#progressMs = nowMs;
    this.#parts.metrics.noteQueueDuration(nowMs - this.#queuedMs);
    this.#queuedMs = this.#queue.isEmpty ? -1 : nowMs;
    this.#watch();
  }

  #noteWritten(chunk: Chunk, durationMs: number): void {
    const { metrics } = this.#parts;
    if (chunk.kind !== "control") {
      this.#queue.otherLimit.note(chunk.end - chunk.start, durationMs);
      const bytes = chunk.packetBytes();
      this.sentPackets += chunk.frames;
      this.sentBytes += bytes;
      if (this.#options.countsSent) {
        metrics.packetsSent += chunk.frames;
        metrics.bytesSent += bytes;
      }
    }
    this.#queue.written(chunk);
  }

  /** Keeps one timer running while there are writes, instead of one for each. */
  #watch(): void {
    const { timeoutMs } = this.#options;
    if (this.#cancelWatch !== undefined || timeoutMs === 0) return;
    this.#checkAfter(timeoutMs);
  }

  #checkAfter(delayMs: number): void {
    this.#cancelWatch = this.#parts.clock.after(delayMs, () => this.#check());
  }

  #check(): void {
    this.#cancelWatch = undefined;
    if (this.#state !== "writing") return;
    const { timeoutMs } = this.#options;
    const tookMs = this.#parts.clock.nowMs() - this.#progressMs;
    if (tookMs < timeoutMs) this.#checkAfter(timeoutMs - tookMs);
    else if (this.#conn.isDraining === undefined) this.#timeOut();
    else void this.#timeOutUnlessDraining(); // never rejects
  }

  /** A slow network may keep a write waiting for seconds, while it makes up for what it lost. */
  async #timeOutUnlessDraining(): Promise<void> {
    const { timeoutMs } = this.#options;
    const { clock } = this.#parts;
    const progressMs = this.#progressMs;
    const isDraining =
      clock.nowMs() - this.#writeMs < timeoutMs * MAX_TIMEOUTS &&
      await this.#conn.isDraining?.(timeoutMs);
    if (this.#state !== "writing") return;
    if (this.#progressMs !== progressMs) this.#watch();
    else if (isDraining) this.#checkAfter(timeoutMs / CHECKS_PER_TIMEOUT);
    else this.#timeOut();
  }

  #timeOut(): void {
    this.#parts.metrics.clientWriteTimeouts++;
    const tookMs = this.#parts.clock.nowMs() - this.#progressMs;
    this.#fail(
      new WriteError("timeout", `it took nothing for ${Math.round(tookMs)} ms`),
    );
  }

  #fail(error: WriteError): void {
    if (this.#state === "closed") return;
    this.close();
    this.#options.onFailed(error);
  }
}
