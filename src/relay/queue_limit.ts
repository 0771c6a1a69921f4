/** How much may wait for a receiver: what it drains in a short while, so that what it gets is fresh. */

/** The age that a queue's oldest packet may reach. */
const TARGET_AGE_MS = 25;
const MIN_BYTES = 16 * 1024;
/** A fast receiver's queue takes the bursts of a busy event loop. */
const MAX_BYTES = 512 * 1024;
/** A fast receiver gets all that waits in few writes. */
const GATHER_BYTES = 64 * 1024;
/** A shorter write went into the socket's buffer at once and tells nothing of the receiver's rate. */
const BLOCKED_MS = 2;
/** Weight of a new sample of the rate. */
const SAMPLE_WEIGHT = 0.25;

/** Follows one receiver's rate, as Linux's byte queue limits do, from the writes that had to wait. */
export class QueueLimit {
  bytes = MAX_BYTES;
  #bytesPerMs = MAX_BYTES / TARGET_AGE_MS;

  /** How much is written at once; what comes after it has to wait for it. */
  get gatherBytes(): number {
    return this.bytes === MAX_BYTES ? GATHER_BYTES : 0;
  }

  /** Notes one write. */
  note(bytes: number, durationMs: number): void {
    const sample = durationMs < BLOCKED_MS
      ? MAX_BYTES / TARGET_AGE_MS
      : bytes / durationMs;
    this.#bytesPerMs += SAMPLE_WEIGHT * (sample - this.#bytesPerMs);
    const bound = this.#bytesPerMs * TARGET_AGE_MS;
    this.bytes = Math.max(MIN_BYTES, Math.min(MAX_BYTES, bound));
  }
}
