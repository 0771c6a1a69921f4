/** Buckets as Prometheus has them. */
import { Histogram } from "../../../src/util/histogram.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("Histogram.snapshot() has cumulative buckets with inclusive upper ends, sum and count", () => {
  const histogram = new Histogram([0, 1, 5]);
  for (const value of [0, 1, 1, 2, 5, 6, 100]) histogram.observe(value);
  assertEquals(histogram.snapshot("x"), {
    'x_bucket{le="0"}': 1,
    'x_bucket{le="1"}': 3,
    'x_bucket{le="5"}': 5,
    'x_bucket{le="+Inf"}': 7,
    x_sum: 115,
    x_count: 7,
  });
});

Deno.test("Histogram.snapshot() has every bucket before anything was observed", () => {
  assertEquals(new Histogram([1]).snapshot("x"), {
    'x_bucket{le="1"}': 0,
    'x_bucket{le="+Inf"}': 0,
    x_sum: 0,
    x_count: 0,
  });
});

Deno.test("Histogram.snapshot() has labels behind the buckets' ends", () => {
  const histogram = new Histogram([1]);
  histogram.observe(0.5);
  assertEquals(histogram.snapshot("x", 'a="b",c="d"'), {
    'x_bucket{le="1",a="b",c="d"}': 1,
    'x_bucket{le="+Inf",a="b",c="d"}': 1,
    'x_sum{a="b",c="d"}': 0.5,
    'x_count{a="b",c="d"}': 1,
  });
});
