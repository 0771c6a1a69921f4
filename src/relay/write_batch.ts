/** Starts writes once all that was read together has been handled. */
import type { Clock } from "../util/clock.ts";

/** Something with frames to write. */
export interface Flushable {
  flush(nowMs: number): void;
}

/**
 * Frames of one read go to many writers; each is marked with its first one and
 * flushed when the current turn of synchronous code ends.
 */
export class WriteBatch {
  #marked: Flushable[] = [];
  readonly #clock: Clock;
  readonly #flush = () => {
    const marked = this.#marked;
    this.#marked = [];
    const nowMs = this.#clock.nowMs();
    for (const writer of marked) writer.flush(nowMs);
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has `writer` flushed soon; mark it once until then. */
  mark(writer: Flushable): void {
    if (this.#marked.push(writer) === 1) queueMicrotask(this.#flush);
  }
}
