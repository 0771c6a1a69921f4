/** A clock that stands still until a test moves it. */
import { setImmediate } from "node:timers";
import type { Cancel, Clock } from "../../src/util/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly fn: () => void;
}

/** Starts at 0 ms and at a fixed date; {@linkcode FakeClock.advance} is the only thing that moves it. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();

  constructor(start = new Date("2026-01-02T03:04:05Z")) {
    this.#startMs = start.getTime();
  }

  /** How many calls are still to come, so that a test can show that none is left behind. */
  get pending(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  date(): Date {
    return new Date(this.#startMs + this.#nowMs);
  }

  after(delayMs: number, fn: () => void): Cancel {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), fn };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Moves on by `ms`; timers run in the order they are due, and after each what follows from it. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const timer = this.#next(untilMs);
      if (timer === undefined) break;
      this.#timers.delete(timer);
      this.#nowMs = timer.dueMs;
      timer.fn();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  /** The earliest timer due until `untilMs`; of equals the one that was set first. */
  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue;
      if (next === undefined || timer.dueMs < next.dueMs) next = timer;
    }
    return next;
  }
}

/** Lets everything happen that needs neither time nor input: promises, microtasks, stream callbacks. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
