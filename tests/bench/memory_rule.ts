/** Whether a relay's memory stayed what it was. */
import { median } from "../../src/probe/median.ts";

/** The memory at a moment. */
export interface MemorySample {
  readonly seconds: number;
  readonly kb: number;
}

/** What was compared, and what came of it. */
export interface MemoryVerdict {
  readonly earlyKb: number;
  readonly lateKb: number;
  readonly growth: number;
  readonly allowedGrowth: number;
  readonly isKept: boolean;
}

/** A soak that is at least this long is judged by its fifth minute. */
const LONG_MINUTES = 10;

/**
 * Compares an early part of the soak with its end, each by its median, as a
 * garbage collector goes up and down. Long ones: the fifth minute and the last
 * one, 10 % apart at most. Short ones, whose early part is still warming up:
 * the second quarter and the last one, 25 % at most. Less memory than before
 * is no fault.
 */
export function judgeMemory(
  samples: readonly MemorySample[],
  minutes: number,
): MemoryVerdict {
  const seconds = minutes * 60;
  const isLong = minutes >= LONG_MINUTES;
  const within = (from: number, to: number) =>
    median(
      samples.filter((sample) => sample.seconds >= from && sample.seconds < to)
        .map((sample) => sample.kb),
    );
  const earlyKb = isLong
    ? within(4 * 60, 5 * 60)
    : within(seconds / 4, seconds / 2);
  const lateKb = within(isLong ? seconds - 60 : seconds * 3 / 4, Infinity);
  const growth = lateKb / earlyKb - 1;
  const allowedGrowth = isLong ? 0.1 : 0.25;
  // NaN, where a part has no sample, is not kept.
  return {
    earlyKb,
    lateKb,
    growth,
    allowedGrowth,
    isKept: growth <= allowedGrowth,
  };
}
