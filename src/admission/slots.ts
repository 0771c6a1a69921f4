/** A bound on how much goes on at a time, and on how many wait for it. */

/** Gives a slot back; to be called once. */
export type Release = () => void;

/** Slots, given in the order of asking. */
export class Slots {
  #free: number;
  readonly #maxWaiting: number;
  /** Those who wait, first come first; each call hands it a slot. */
  readonly #waiting = new Set<() => void>();

  constructor(slots: number, maxWaiting: number) {
    this.#free = slots;
    this.#maxWaiting = maxWaiting;
  }

  /** Waits for a slot; undefined where too many wait already, or `signal` aborts first. */
  take(signal: AbortSignal): Promise<Release | undefined> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(this.#release);
    }
    if (this.#waiting.size >= this.#maxWaiting || signal.aborted) {
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      const end = (release: Release | undefined) => {
        this.#waiting.delete(give);
        signal.removeEventListener("abort", leave);
        resolve(release);
      };
      const give = () => end(this.#release);
      const leave = () => end(undefined);
      this.#waiting.add(give);
      signal.addEventListener("abort", leave);
    });
  }

  readonly #release: Release = () => {
    const [next] = this.#waiting;
    if (next !== undefined) next();
    else this.#free++;
  };
}
