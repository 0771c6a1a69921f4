/** The last so many numbers of a series. */

/** Its memory is taken once; a new number takes the oldest one's place. */
export class Ring {
  readonly #values: Float64Array;
  #pushed = 0;

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  get capacity(): number {
    return this.#values.length;
  }

  /** How many numbers are there. */
  get size(): number {
    return Math.min(this.#pushed, this.capacity);
  }

  /** The newest; undefined where there is none. */
  get last(): number | undefined {
    return this.size === 0
      ? undefined
      : this.#values[(this.#pushed - 1) % this.capacity];
  }

  push(value: number): void {
    this.#values[this.#pushed++ % this.capacity] = value;
  }

  /** From the oldest to the newest. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let i = this.#pushed - this.size; i < this.#pushed; i++) {
      yield this.#values[i % this.capacity]!;
    }
  }
}
