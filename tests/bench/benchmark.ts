/** What a benchmark is, and what it says. */
import type { TestBed } from "./test_bed.ts";

/** One line of the table. */
export interface Figure {
  /** What was measured, in plain words. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What this relay promises, where it promises something. */
  readonly atMost?: number;
}

/** One story: it starts its relays and its load on the bed, and throws where it has measured nothing. */
export interface Benchmark {
  /** To choose it on the command line. */
  readonly name: string;
  run(bed: TestBed): Promise<Figure[]>;
}
