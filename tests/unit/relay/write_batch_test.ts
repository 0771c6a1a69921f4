/** Writes begin when the turn that queued for them ends. */
import { WriteBatch } from "../../../src/relay/write_batch.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("WriteBatch.mark() has all flushed once, in order, after the turn", async () => {
  const batch = new WriteBatch(new FakeClock());
  const flushed: string[] = [];
  for (const name of ["a", "b", "c"]) {
    batch.mark({ flush: () => flushed.push(name) });
  }
  assertEquals(flushed, []);
  await Promise.resolve();
  assertEquals(flushed, ["a", "b", "c"]);
  await Promise.resolve();
  assertEquals(flushed.length, 3);
});

Deno.test("WriteBatch.mark() takes marks that a flush makes, for the next round", async () => {
  const batch = new WriteBatch(new FakeClock());
  const flushed: string[] = [];
  const second = { flush: () => flushed.push("second") };
  batch.mark({
    flush() {
      flushed.push("first");
      batch.mark(second);
    },
  });
  await Promise.resolve();
  assertEquals(flushed, ["first"]);
  await Promise.resolve();
  assertEquals(flushed, ["first", "second"]);
});
