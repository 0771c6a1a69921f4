/** A few lines per kind and minute, and one line for the rest. */
import { type LimitOptions, LogLimiter } from "../../../src/log/limited.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A limiter, and the lines that it lets through. */
function limited(options?: { isOff: boolean }) {
  const clock = new FakeClock();
  const limiter = new LogLimiter(clock, options);
  const lines: string[] = [];
  let number = 0;
  const run = (kind: string, limits?: LimitOptions) => {
    const example = `${kind} ${++number}`;
    limiter.run(
      kind,
      (more, count) => lines.push(`${count}x ${example}${more}`),
      limits,
    );
  };
  return { clock, limiter, lines, run };
}

Deno.test("LogLimiter.run() writes the first of a kind, and at the end of its minute one line for the rest", async () => {
  const { clock, lines, run } = limited();
  for (let i = 0; i < 8; i++) run("magic");
  await clock.advance(59_999);
  assertEquals(lines, ["1x magic 1"]);
  await clock.advance(1);
  assertEquals(lines, [
    "1x magic 1",
    "7x magic 8 (the last of 7 in a minute)",
  ]);
});

Deno.test("LogLimiter.run() gives noise that goes on one line a minute, and starts anew after a quiet one", async () => {
  const { clock, lines, run } = limited();
  for (let second = 0; second < 150; second++) {
    run("magic");
    await clock.advance(1_000);
  }
  assertEquals(lines, [
    "1x magic 1",
    "59x magic 60 (the last of 59 in a minute)",
    "60x magic 120 (the last of 60 in a minute)",
  ]);
  await clock.advance(120_000);
  assertEquals(lines.slice(3), [
    "30x magic 150 (the last of 30 in a minute)",
  ]);
  run("magic");
  assertEquals(lines.slice(4), ["1x magic 151"]);
  assertEquals(clock.pending, 0);
});

Deno.test("LogLimiter.run() writes as many in full as it is told, and a single one more as it is", async () => {
  const { clock, lines, run } = limited();
  for (let i = 0; i < 4; i++) run("refused", { inFull: 3 });
  assertEquals(lines, ["1x refused 1", "1x refused 2", "1x refused 3"]);
  await clock.advance(60_000);
  assertEquals(lines.slice(3), ["1x refused 4 (in the last minute)"]);
});

Deno.test("LogLimiter.run() adds up what one call stands for", async () => {
  const { clock, lines, run } = limited();
  for (const times of [3, 40, 60]) run("closed", { times });
  await clock.advance(60_000);
  assertEquals(lines, [
    "3x closed 1",
    "100x closed 3 (the last of 100 in a minute)",
  ]);
});

Deno.test("LogLimiter.run() limits each kind for itself", () => {
  const { lines, run } = limited();
  for (const kind of ["a", "b", "a", "b"]) run(kind);
  assertEquals(lines, ["1x a 1", "1x b 2"]);
});

Deno.test("LogLimiter.run() takes kinds without number for one", async () => {
  const { clock, lines, run } = limited();
  for (let i = 0; i < 5_000; i++) run(`kind${i}`);
  assertEquals(lines.length, 101);
  await clock.advance(60_000);
  assertEquals(lines.slice(101), [
    "4899x kind4999 5000 (the last of 4899 in a minute)",
  ]);
  run("kind4999");
  assertEquals(lines.at(-1), "1x kind4999 5001");
});

Deno.test("LogLimiter.close() writes what was counted at once", async () => {
  const { clock, limiter, lines, run } = limited();
  for (let i = 0; i < 3; i++) run("magic");
  run("other");
  limiter.close();
  assertEquals(lines, [
    "1x magic 1",
    "1x other 4",
    "2x magic 3 (the last of 2 in a minute)",
  ]);
  assertEquals(clock.pending, 0);
  await clock.advance(60_000);
  assertEquals(lines.length, 3);
});

Deno.test("LogLimiter that is off writes every line", () => {
  const { lines, run } = limited({ isOff: true });
  for (let i = 0; i < 3; i++) run("magic");
  assertEquals(lines, ["1x magic 1", "1x magic 2", "1x magic 3"]);
});

Deno.test("LogLimiter keeps no timer while there is nothing to tell", () => {
  const { clock, run } = limited();
  run("a");
  assertEquals(clock.pending, 0);
});
