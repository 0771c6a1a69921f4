/** Many timers on one tick. */
import { TimerWheel } from "../../../src/util/timer_wheel.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** How much late a timer may be. */
const TICK_MS = 250;

Deno.test("TimerWheel.after() is never early and at most a tick late", async () => {
  for (const delayMs of [0, 1, 249, 250, 251, 10_000, 60_123.4]) {
    const clock = new FakeClock();
    await clock.advance(1234.5);
    const wheel = new TimerWheel(clock);
    const startMs = clock.nowMs();
    let calledMs: number | undefined;
    wheel.after(delayMs, () => calledMs = clock.nowMs());
    for (let i = 0; calledMs === undefined && i < 100_000; i++) {
      await clock.advance(delayMs > 1000 ? delayMs / 2 : 10);
    }
    const lateMs = calledMs! - startMs - delayMs;
    assert(lateMs >= 0 && lateMs <= TICK_MS, `${delayMs} ms: ${lateMs} late`);
  }
});

Deno.test("TimerWheel needs one timer for any number of its own, and none without", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  assertEquals(clock.pending, 0);
  let calls = 0;
  for (let i = 0; i < 100; i++) wheel.after(i * 10, () => calls++);
  assertEquals(clock.pending, 1);
  await clock.advance(500);
  assertEquals(clock.pending, 1);
  await clock.advance(1000);
  assertEquals(calls, 100);
  assertEquals(clock.pending, 0);
});

Deno.test("TimerWheel.after() calls nothing that was cancelled; a second cancel does nothing", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const calls: string[] = [];
  const cancel = wheel.after(100, () => calls.push("cancelled"));
  wheel.after(100, () => calls.push("kept"));
  cancel();
  cancel();
  await clock.advance(1000);
  cancel();
  assertEquals(calls, ["kept"]);
});

Deno.test("TimerWheel.after() keeps one function set twice as two", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  let calls = 0;
  const fn = () => calls++;
  const cancel = wheel.after(100, fn);
  wheel.after(100, fn);
  cancel();
  await clock.advance(1000);
  assertEquals(calls, 1);
});

Deno.test("TimerWheel stops its tick when the last timer is cancelled", () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const cancels = [100, 100, 5000].map((ms) => wheel.after(ms, () => {}));
  for (const cancel of cancels) {
    assertEquals(clock.pending, 1);
    cancel();
  }
  assertEquals(clock.pending, 0);
});

Deno.test("TimerWheel lets a timer cancel another of the same tick, and set new ones", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const calls: string[] = [];
  wheel.after(100, () => {
    calls.push("first");
    cancelOther();
    wheel.after(0, () => calls.push("at once"));
    wheel.after(300, () => calls.push("later"));
  });
  const cancelOther = wheel.after(100, () => calls.push("other"));
  await clock.advance(250);
  assertEquals(calls, ["first"]);
  await clock.advance(250);
  assertEquals(calls, ["first", "at once"]);
  await clock.advance(250);
  assertEquals(calls, ["first", "at once", "later"]);
  assertEquals(clock.pending, 0);
});

Deno.test("TimerWheel catches up when its tick comes very late, in order", () => {
  let nowMs = 0;
  let tick = () => {};
  const wheel = new TimerWheel({
    nowMs: () => nowMs,
    date: () => new Date(0),
    after(_, fn) {
      tick = fn;
      return () => {};
    },
  });
  const calls: number[] = [];
  for (const ms of [3000, 500, 100_000, 1000]) {
    wheel.after(ms, () => calls.push(ms));
  }
  nowMs = 50_000;
  tick();
  assertEquals(calls, [500, 1000, 3000]);
  nowMs = 100_000;
  tick();
  assertEquals(calls, [500, 1000, 3000, 100_000]);
});

Deno.test("TimerWheel.stop() forgets all timers", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  let calls = 0;
  const cancel = wheel.after(100, () => calls++);
  wheel.stop();
  cancel();
  assertEquals(clock.pending, 0);
  await clock.advance(1000);
  assertEquals(calls, 0);
  wheel.after(100, () => calls++); // and can be used again
  await clock.advance(250);
  assertEquals(calls, 1);
});

Deno.test("TimerWheel tells its clock's time", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  await clock.advance(77);
  assertEquals(wheel.nowMs(), 77);
  assertEquals(wheel.date(), clock.date());
});
