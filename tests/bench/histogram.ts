/** Percentiles of any number of durations in constant memory. */

/** Each bucket is 1 % wider than the one before it, which is as exact as a benchmark gets. */
const GROWTH = 1.01;
const LOG_GROWTH = Math.log(GROWTH);
/** From 1 µs to 200 s. */
const BUCKETS = Math.ceil(Math.log(200e6) / LOG_GROWTH);

/** Counts durations; those under 1 µs count as 1 µs. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;
  #maxMs = 0;

  get total(): number {
    return this.#total;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  add(durationMs: number): void {
    const bucket = durationMs > 1e-3
      ? Math.ceil(Math.log(durationMs * 1e3) / LOG_GROWTH)
      : 0;
    this.#counts[Math.min(bucket, BUCKETS - 1)]!++;
    this.#total++;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  /** At least `share` (0 to 1) of the durations are no longer than this, 1 % too much at most; NaN where there are none. */
  percentileMs(share: number): number {
    if (this.#total === 0) return NaN;
    const wanted = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS - 1; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) {
        return Math.min(GROWTH ** bucket / 1e3, this.#maxMs);
      }
    }
    return this.#maxMs; // the last bucket has no upper bound
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
    this.#maxMs = 0;
  }
}
