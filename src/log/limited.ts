/** At most one line per kind and minute, for events that strangers can cause at will. */
import type { Clock } from "../util/clock.ts";

const INTERVAL_MS = 60_000;

/** Kinds are few and fixed in the code; never make one from what a client sent. */
export class LogLimiter {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { sinceMs: number; suppressed: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Calls `log` unless a line of `kind` was written within the last minute;
   * `more` is the end of the line, and says how many were left out since then.
   */
  run(kind: string, log: (more: string) => void): void {
    const nowMs = this.#clock.nowMs();
    const last = this.#kinds.get(kind);
    if (last !== undefined && nowMs - last.sinceMs < INTERVAL_MS) {
      last.suppressed++;
      return;
    }
    this.#kinds.set(kind, { sinceMs: nowMs, suppressed: 0 });
    const suppressed = last?.suppressed ?? 0;
    log(suppressed === 0 ? "" : ` (and ${suppressed} more in between)`);
  }
}
