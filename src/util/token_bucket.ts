/** A rate limit: so many at once, then so many a second. */
import type { Clock } from "./clock.ts";

/** Full at the start. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #refilledMs: number;

  constructor(
    clock: Clock,
    { perSecond, burst }: { perSecond: number; burst: number },
  ) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#refilledMs = clock.nowMs();
  }

  /** Takes one token, or says that there is none. */
  take(): boolean {
    if (this.isEmpty()) return false;
    this.#tokens--;
    return true;
  }

  /** Whether there is no token now. */
  isEmpty(): boolean {
    const nowMs = this.#clock.nowMs();
    const refill = (nowMs - this.#refilledMs) / 1000 * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + refill);
    this.#refilledMs = nowMs;
    return this.#tokens < 1;
  }
}
