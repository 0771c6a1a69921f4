/** One line per kind and minute. */
import { LogLimiter } from "../../../src/log/limited.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("LogLimiter.run() lets one line of a kind through in a minute and counts the rest", async () => {
  const clock = new FakeClock();
  const limiter = new LogLimiter(clock);
  const lines: string[] = [];
  const run = () => limiter.run("magic", (more) => lines.push(more));
  run();
  for (let i = 0; i < 7; i++) run();
  await clock.advance(59_999);
  run();
  assertEquals(lines, [""]);
  await clock.advance(1);
  run();
  assertEquals(lines, ["", " (and 8 more in between)"]);
  await clock.advance(60_000);
  run();
  assertEquals(lines, ["", " (and 8 more in between)", ""]);
});

Deno.test("LogLimiter.run() limits each kind for itself", () => {
  const limiter = new LogLimiter(new FakeClock());
  const lines: string[] = [];
  for (const kind of ["a", "b", "a", "b"]) {
    limiter.run(kind, () => lines.push(kind));
  }
  assertEquals(lines, ["a", "b"]);
});

Deno.test("LogLimiter keeps no timer", () => {
  const clock = new FakeClock();
  new LogLimiter(clock).run("a", () => {});
  assertEquals(clock.pending, 0);
});
