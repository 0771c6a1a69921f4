/** Waiting together, and giving up alone. */
import { unlessAborted } from "../../../src/util/unless_aborted.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";

const late = () => new RangeError("late");

Deno.test("unlessAborted() settles as the promise does that is shared", async () => {
  const { signal } = new AbortController();
  assertEquals(await unlessAborted(Promise.resolve(1), signal, late), 1);
  const failing = Promise.reject(new TypeError("broken"));
  await assertRejects(() => unlessAborted(failing, signal, late), TypeError);
});

Deno.test("unlessAborted() gives up when its signal aborts, whatever becomes of the promise", async () => {
  const shared = Promise.withResolvers<number>();
  const impatient = new AbortController();
  const { signal } = new AbortController();
  const given = unlessAborted(shared.promise, impatient.signal, late);
  const waiting = unlessAborted(shared.promise, signal, late);
  impatient.abort();
  await assertRejects(() => given, RangeError);
  await assertRejects(
    () => unlessAborted(shared.promise, impatient.signal, late),
    RangeError,
  );
  shared.resolve(2);
  assertEquals(await waiting, 2);
});
