/** Lines on their way out, so that nobody has to wait for who reads them. */
import { type Cancel, type Clock, delay } from "../util/clock.ts";

/** Some thousand lines. */
const MAX_WAITING_BYTES = 512 * 1024;
const RETRY_MS = 100;

/** Where the lines go. */
export interface LineSink {
  /** How many bytes a `write()` takes without waiting; 0 while nobody reads. */
  readonly room: number;
  /** Writes a part of `data`; returns how many bytes were taken. May throw. */
  write(data: Uint8Array): number;
}

/**
 * Writes each line at once, before `write()` returns; only while nobody reads
 * them do lines wait, and those beyond a bound are counted in place of kept.
 */
export class LineQueue {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  readonly #onLost: (lines: number) => void;
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #cancelRetry: Cancel | undefined;

  /** `onLost` hears how many lines are missing, once others can be written again; it may write a line. */
  constructor(
    sink: LineSink,
    clock: Clock,
    onLost: (lines: number) => void = () => {},
  ) {
    this.#sink = sink;
    this.#clock = clock;
    this.#onLost = onLost;
  }

  /** Writes a line, which has its line feed already. Never throws. */
  write(line: string): void {
    const data = this.#encoder.encode(line);
    if (this.#waitingBytes + data.length > MAX_WAITING_BYTES) {
      this.#lost++;
      return;
    }
    this.#waiting.push(data);
    this.#waitingBytes += data.length;
    if (this.#cancelRetry === undefined) this.#pump();
  }

  /** Waits until all lines are written, but not for long. */
  async flush(withinMs: number): Promise<void> {
    const endMs = this.#clock.nowMs() + withinMs;
    while (this.#waiting.length > 0 && this.#clock.nowMs() < endMs) {
      await delay(this.#clock, RETRY_MS / 2);
    }
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  #pump(): void {
    this.#cancelRetry = undefined;
    while (this.#waiting.length > 0) {
      const data = this.#waiting[0]!;
      const taken = this.#take(data);
      this.#waitingBytes -= taken;
      if (taken === data.length) this.#waiting.shift();
      else this.#waiting[0] = data.subarray(taken);
      if (taken > 0) continue;
      this.#cancelRetry = this.#clock.after(RETRY_MS, () => this.#pump());
      return;
    }
    this.#tellLost();
  }

  /** How much of `data` is done with; all of it where it can never be written. */
  #take(data: Uint8Array): number {
    try {
      const { room } = this.#sink;
      return room === 0 ? 0 : this.#sink.write(data.subarray(0, room));
    } catch {
      return data.length; // whoever read has gone, and logs are no reason to end
    }
  }

  #tellLost(): void {
    const lost = this.#lost;
    if (lost === 0) return;
    this.#lost = 0;
    this.#onLost(lost);
  }
}
