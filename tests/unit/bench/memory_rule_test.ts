/** When a soak has failed. */
import { judgeMemory } from "../../bench/memory_rule.ts";
import { assert, assertEquals } from "../../support/assert.ts";

/** A sample every 5 s, as `kbAt` says. */
function samples(
  minutes: number,
  kbAt: (seconds: number) => number,
): { seconds: number; kb: number }[] {
  return Array.from({ length: minutes * 12 }, (_, i) => {
    return { seconds: i * 5, kb: kbAt(i * 5) };
  });
}

Deno.test("judgeMemory() compares the last minute with the fifth of a long soak", () => {
  const grown = samples(20, (seconds) => {
    if (seconds < 240) return 10; // warming up doesn't count
    return seconds < 1140 ? 100 : 111;
  });
  const verdict = judgeMemory(grown, 20);
  assertEquals([verdict.earlyKb, verdict.lateKb], [100, 111]);
  assert(!verdict.isKept);
  const kept = samples(20, (seconds) => seconds < 1140 ? 100 : 109);
  assert(judgeMemory(kept, 20).isKept);
});

Deno.test("judgeMemory() compares the last quarter with the second of a short soak", () => {
  const growing = (share: number) =>
    samples(2, (seconds) => {
      if (seconds < 30) return 10;
      return seconds < 90 ? 100 : 100 * (1 + share);
    });
  assert(judgeMemory(growing(0.24), 2).isKept);
  assert(!judgeMemory(growing(0.26), 2).isKept);
});

Deno.test("judgeMemory() takes less memory for good, and a peak for none", () => {
  const falling = samples(20, (seconds) => seconds < 600 ? 100 : 50);
  assert(judgeMemory(falling, 20).isKept);
  const peak = samples(20, (seconds) => seconds === 1150 ? 900 : 100);
  assert(judgeMemory(peak, 20).isKept);
});

Deno.test("judgeMemory() doesn't pass without samples", () => {
  assert(!judgeMemory([], 20).isKept);
  assert(!judgeMemory(samples(4, () => 100), 20).isKept);
});
