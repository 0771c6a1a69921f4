/** Percentiles of a benchmark. */
import { Histogram } from "../../bench/histogram.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("Histogram finds percentiles, 1 % too high at most", () => {
  const histogram = new Histogram();
  for (let i = 1; i <= 1000; i++) histogram.add(i / 10);
  for (const [share, exactMs] of [[0.5, 50], [0.99, 99], [0.001, 0.1]]) {
    const foundMs = histogram.percentileMs(share!);
    assert(foundMs >= exactMs!, `${foundMs} for ${exactMs}`);
    assert(foundMs <= exactMs! * 1.0101, `${foundMs} for ${exactMs}`);
  }
  assertEquals(histogram.percentileMs(1), 100);
  assertEquals(histogram.maxMs, 100);
  assertEquals(histogram.total, 1000);
});

Deno.test("Histogram takes a single slow one into account from its share on", () => {
  const histogram = new Histogram();
  for (let i = 0; i < 99; i++) histogram.add(1);
  histogram.add(500);
  assert(histogram.percentileMs(0.99) < 1.02);
  assertEquals(histogram.percentileMs(0.991), 500);
});

Deno.test("Histogram holds durations below and above its buckets", () => {
  const histogram = new Histogram();
  histogram.add(0);
  histogram.add(-0.001); // clocks of two readings
  assertEquals(histogram.percentileMs(1), 0);
  histogram.add(1e9);
  assertEquals(histogram.maxMs, 1e9);
  assert(histogram.percentileMs(1) >= 200e3);
});

Deno.test("Histogram has no percentile of nothing, also after clear()", () => {
  const histogram = new Histogram();
  assertEquals(histogram.percentileMs(0.5), NaN);
  histogram.add(5);
  histogram.clear();
  assertEquals(histogram.percentileMs(0.5), NaN);
  assertEquals([histogram.total, histogram.maxMs], [0, 0]);
});
