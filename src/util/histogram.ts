/** Counts observations by size. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** One count per bound, and one for what is above all. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` are the buckets' upper ends, rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) {
      bucket++;
    }
    this.#counts[bucket]!++;
    this.#sum += value;
  }

  /** Cumulative buckets, sum and count, as Prometheus has them; `labels` without braces, for example `kind="a"`. */
  snapshot(name: string, labels = ""): Record<string, number> {
    const values: Record<string, number> = {};
    const more = labels === "" ? "" : `,${labels}`;
    let count = 0;
    for (const [i, bucketCount] of this.#counts.entries()) {
      count += bucketCount;
      const end = this.#bounds[i] ?? "+Inf";
      values[`${name}_bucket{le="${end}"${more}}`] = count;
    }
    const all = labels === "" ? "" : `{${labels}}`;
    values[`${name}_sum${all}`] = this.#sum;
    values[`${name}_count${all}`] = count;
    return values;
  }
}
