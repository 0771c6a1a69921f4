/** Go's durations. */
import {
  formatGoDuration,
  parseGoDuration,
} from "../../../src/config/go_duration.ts";
import { assertEquals } from "../../support/assert.ts";

/** Text, milliseconds, and how Go's time.Duration prints it. */
const DURATIONS: readonly (readonly [string, number, string])[] = [
  ["15s", 15_000, "15s"],
  ["10m0s", 600_000, "10m0s"],
  ["10m", 600_000, "10m0s"],
  ["1h2m3.5s", 3_723_500, "1h2m3.5s"],
  ["0", 0, "0s"],
  ["+0", 0, "0s"],
  ["0h", 0, "0s"],
  ["-1.5h", -5_400_000, "-1h30m0s"],
  ["2us", 0.002, "2\u00b5s"],
  ["2\u00b5s", 0.002, "2\u00b5s"],
  ["2\u03bcs", 0.002, "2\u00b5s"],
  ["7ns", 0.000007, "7ns"],
  ["1.5ms", 1.5, "1.5ms"],
  [".5s", 500, "500ms"],
  ["1.s", 1000, "1s"],
  ["+5s", 5000, "5s"],
  ["1s1h", 3_601_000, "1h0m1s"],
  ["100h", 360_000_000, "100h0m0s"],
  ["-1ns", -0.000001, "-1ns"],
  ["2562047h", 9_223_369_200_000, "2562047h0m0s"],
];

Deno.test("parseGoDuration() reads what Go reads", () => {
  for (const [text, ms] of DURATIONS) {
    assertEquals(parseGoDuration(text), ms, text);
  }
});

Deno.test("formatGoDuration() prints what Go prints, which reads back as the same", () => {
  for (const [, ms, printed] of DURATIONS) {
    assertEquals(formatGoDuration(ms), printed);
    assertEquals(parseGoDuration(printed), ms, printed);
  }
});

Deno.test("parseGoDuration() refuses what Go refuses", () => {
  const refused = [
    "",
    "5",
    "00",
    "s",
    ".s",
    "-",
    "-.s",
    "1 s",
    " 1s",
    "1s ",
    "1S",
    "1d",
    "1s1",
    "1e3s",
    "--1s",
    "1s-1s",
    "1,5s",
    "0x1s",
    "1s\n",
    "2562048h",
    "9".repeat(400) + "h",
  ];
  for (const text of refused) {
    assertEquals(parseGoDuration(text), undefined, JSON.stringify(text));
  }
});
