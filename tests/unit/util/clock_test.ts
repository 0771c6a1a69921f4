/** Waiting, with and without being called off. */
import { delay } from "../../../src/util/clock.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

/** Whether a promise has resolved yet. */
function watch(promise: Promise<void>): { done: boolean } {
  const state = { done: false };
  promise.then(() => state.done = true);
  return state;
}

Deno.test("delay() resolves when its time has come and not before", async () => {
  const clock = new FakeClock();
  const state = watch(delay(clock, 1000));
  await clock.advance(999);
  assert(!state.done);
  await clock.advance(1);
  assert(state.done);
});

Deno.test("delay() resolves at once when the signal aborts, and leaves no timer", async () => {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const state = watch(delay(clock, 1000, stopping.signal));
  assertEquals(clock.pending, 1);
  stopping.abort();
  await settle();
  assert(state.done);
  assertEquals(clock.pending, 0);
});

Deno.test("delay() resolves at once for a signal that has aborted already", async () => {
  const clock = new FakeClock();
  await delay(clock, 1000, AbortSignal.abort());
  assertEquals(clock.pending, 0);
});

Deno.test("delay() leaves no listener on a signal that outlives it", async () => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners--;
    Reflect.apply(removeEventListener, signal, args);
  };
  const waiting = delay(clock, 5, signal);
  assert(listeners === 1);
  await clock.advance(5);
  await waiting;
  assertEquals(listeners, 0);
});
