/** How much may wait for a receiver: what it drains in a short while, so that what it gets is fresh. */

/** The age that a queue's oldest packet may reach. */
const TARGET_AGE_MS = 25;
const MIN_BYTES = 16 * 1024;
/** A fast receiver's queue takes the bursts of a busy event loop. */
const MAX_BYTES = 512 * 1024;
/** A fast receiver gets all that waits in few writes. */
const GATHER_BYTES = 64 * 1024;
/** A slow one gets as much at once as it drains in this time: what is in a write can't be dropped any more, nor overtaken. */
const WRITE_MS = 5;
/** A shorter write went into the socket's buffer at once and tells nothing of the receiver's rate. */
const BLOCKED_MS = 2;
/** More than what a socket takes at once after it had to wait, which would look fast. */
const SAMPLE_BYTES = 128 * 1024;
/** A sample that takes this long counts alone: no busy event loop makes a receiver look so slow. */
const SAMPLE_MS = 250;
/** Weight of a new sample of the rate. */
const SAMPLE_WEIGHT = 0.25;
const MAX_BYTES_PER_MS = MAX_BYTES / TARGET_AGE_MS;
/** What a sample without any wait says, so that a few of them make a receiver fast. */
const UNBLOCKED_BYTES_PER_MS = 2 * MAX_BYTES_PER_MS;

/** Follows one receiver's rate, as Linux's byte queue limits do, from the writes that had to wait. */
export class QueueLimit {
  /** Nothing is known at first: room for a burst, but small writes. */
  bytes = MAX_BYTES;
  #bytesPerMs = MIN_BYTES / TARGET_AGE_MS;
  /** The sample that is being taken. */
  #sampleBytes = 0;
  #sampleMs = 0;

  /** How much may gather for one write: much only for who is known to be fast, for it may take a slow one seconds. */
  get gatherBytes(): number {
    return this.#isFast ? GATHER_BYTES : 0;
  }

  /** How much of what waits is written at once; what comes after it has to wait for it. */
  get writeBytes(): number {
    return this.#isFast ? Infinity : this.#bytesPerMs * WRITE_MS;
  }

  get #isFast(): boolean {
    return this.#bytesPerMs >= MAX_BYTES_PER_MS;
  }

  /** Notes one write. */
  note(bytes: number, durationMs: number): void {
    this.#sampleBytes += bytes;
    if (durationMs >= BLOCKED_MS) this.#sampleMs += durationMs;
    if (this.#sampleBytes >= SAMPLE_BYTES || this.#sampleMs >= SAMPLE_MS) {
      this.#endSample();
    }
  }

  #endSample(): void {
    const bytesPerMs = Math.min(
      this.#sampleBytes / this.#sampleMs,
      UNBLOCKED_BYTES_PER_MS,
    );
    const weight = Math.max(
      SAMPLE_WEIGHT,
      Math.min(1, this.#sampleMs / SAMPLE_MS),
    );
    this.#bytesPerMs += weight * (bytesPerMs - this.#bytesPerMs);
    const bound = this.#bytesPerMs * TARGET_AGE_MS;
    this.bytes = Math.max(MIN_BYTES, Math.min(MAX_BYTES, bound));
    this.#sampleBytes = this.#sampleMs = 0;
  }
}
