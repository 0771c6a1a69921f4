/** Numbers as an operator reads them. */
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatPerSecond,
  formatRate,
} from "../../../../src/debug/status/units.ts";
import { assertEquals } from "../../../support/assert.ts";

Deno.test("formatBytes() has three digits and the unit that fits", () => {
  assertEquals(
    [0, 1, 999, 1000, 1234, 9_994, 9_995, 99_949, 99_950, 999_499, 999_500]
      .map(formatBytes),
    [
      "0 B",
      "1 B",
      "999 B",
      "1.00 kB",
      "1.23 kB",
      "9.99 kB",
      "10.0 kB",
      "99.9 kB",
      "100 kB",
      "999 kB",
      "1.00 MB",
    ],
  );
  assertEquals([1e12, 1e15, 1e19].map(formatBytes), [
    "1.00 TB",
    "1.00 PB",
    "10000 PB",
  ]);
});

Deno.test("formatRate() says where a rate isn't known", () => {
  assertEquals([undefined, 0, 1500].map(formatRate), [
    "–",
    "0 B/s",
    "1.50 kB/s",
  ]);
});

Deno.test("formatCount() groups digits by thousands", () => {
  assertEquals(
    [0, 999, 1000, 1234567].map(formatCount),
    ["0", "999", "1\u202f000", "1\u202f234\u202f567"],
  );
});

Deno.test("formatPerSecond() has a decimal where there are few", () => {
  assertEquals([0, 0.1, 9.9, 9.96, 1200].map(formatPerSecond), [
    "0/s",
    "0.1/s",
    "9.9/s",
    "10/s",
    "1\u202f200/s",
  ]);
});

Deno.test("formatDuration() has the two largest units", () => {
  const hourMs = 3_600_000;
  assertEquals(
    [-5, 59_999, 60_000, hourMs - 1, hourMs, 23.5 * hourMs, 49 * hourMs]
      .map(formatDuration),
    ["0s", "59s", "1m", "59m", "1h 0m", "23h 30m", "2d 1h"],
  );
});

Deno.test("formatMs() has a decimal where it is short", () => {
  assertEquals([undefined, 0.25, 12.4].map(formatMs), ["–", "0.3 ms", "12 ms"]);
});
