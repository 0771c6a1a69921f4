/** When the relay next asks its ACME server for anything. */
import type { Clock } from "../util/clock.ts";
import {
  renewalGapMs,
  renewalTime,
  retryDelayMs,
  type Validity,
} from "./acme_schedule.ts";
import type { RenewalInfo } from "./acme_server.ts";

const HOUR_MS = 60 * 60 * 1000;
/** How often the server is asked when to renew, where it doesn't say; and how often the clock is looked at. */
const POLL_MS = 6 * HOUR_MS;
const MIN_POLL_MS = HOUR_MS;
/** An operator who asks for a certificate gets it at once, but not more often than this. */
const MIN_RETRY_MS = 60_000;
/** Stored certificates without one of the server's addresses are kept for this part of their lifetime. */
const INCOMPLETE_PART = 1 / 3;

/** The certificate that there is. */
export interface Held extends Validity {
  /** Whether it has all the names that are wanted. */
  readonly isComplete: boolean;
}

/** Pauses are on the monotonic clock, so that a clock that is set right doesn't lengthen them; renewal is by calendar. */
export class AcmePlan {
  readonly #clock: Clock;
  readonly #random: () => number;
  #info: RenewalInfo | undefined;
  /** Stays with the certificate or the window, so that looking at the time doesn't change it. */
  #lot = 0;
  #failures = 0;
  #lastTryMs = -Infinity;
  #nextTryMs = -Infinity;
  #nextPollMs = -Infinity;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Until a certificate is to be asked for; not more than what makes a clock that is set right go unnoticed. */
  tryInMs(held: Held | undefined): number {
    const pauseMs = this.#nextTryMs - this.#clock.nowMs();
    const dueMs = held
      ? this.#dueMs(held) - this.#clock.date().getTime()
      : -Infinity;
    return Math.min(Math.max(pauseMs, dueMs, 0), POLL_MS);
  }

  /** Until the server is to be asked when to renew. */
  get pollInMs(): number {
    return Math.max(this.#nextPollMs - this.#clock.nowMs(), 0);
  }

  /** An attempt begins. */
  trying(): void {
    this.#lastTryMs = this.#clock.nowMs();
  }

  /** There is another certificate; after a fresh one the server is left alone for a while, whatever it suggests. */
  took(validity: Validity, { isFresh }: { isFresh: boolean }): void {
    const nowMs = this.#clock.nowMs();
    this.#failures = 0;
    this.#info = undefined;
    this.#lot = this.#random();
    this.#nextPollMs = nowMs;
    this.#nextTryMs = isFresh ? nowMs + renewalGapMs(validity) : nowMs;
  }

  /** An attempt failed; says how long the next is away. */
  failed(atLeastMs: number | undefined): number {
    this.#failures++;
    const random = this.#random();
    const waitMs = retryDelayMs(this.#failures, { random, atLeastMs });
    this.#nextTryMs = this.#clock.nowMs() + waitMs;
    return waitMs;
  }

  /** The server has been asked when to renew: its window, "none" where it gives no advice, undefined where it didn't answer. */
  polled(info: RenewalInfo | "none" | undefined): void {
    const fresh = info === "none" ? undefined : info;
    if (info !== undefined && !sameWindow(fresh, this.#info)) {
      this.#lot = this.#random();
      this.#info = fresh;
    }
    const pauseMs = Math.max(fresh?.retryAfterMs ?? POLL_MS, MIN_POLL_MS);
    this.#nextPollMs = this.#clock.nowMs() + pauseMs;
  }

  /** An operator doesn't want to wait. */
  hurry(): void {
    this.#nextTryMs = Math.min(this.#nextTryMs, this.#lastTryMs + MIN_RETRY_MS);
  }

  #dueMs({ notBefore, notAfter, isComplete }: Held): number {
    const due = renewalTime({ notBefore, notAfter }, {
      info: this.#info,
      random: this.#lot,
    });
    if (isComplete) return due.getTime();
    const startMs = notBefore.getTime();
    const lifetimeMs = notAfter.getTime() - startMs;
    return Math.min(due.getTime(), startMs + lifetimeMs * INCOMPLETE_PART);
  }
}

function sameWindow(
  a: RenewalInfo | undefined,
  b: RenewalInfo | undefined,
): boolean {
  return a?.start.getTime() === b?.start.getTime() &&
    a?.end.getTime() === b?.end.getTime();
}
