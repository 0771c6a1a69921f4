/** How many may go on, and how many may wait. */
import { Slots } from "../../../src/admission/slots.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const NEVER = new AbortController().signal;

Deno.test("Slots.take() hands out as many as there are, then in the order of asking", async () => {
  const slots = new Slots(2, 10);
  const first = await slots.take(NEVER);
  await slots.take(NEVER);
  const order: string[] = [];
  const third = slots.take(NEVER).then((release) => {
    order.push("third");
    return release;
  });
  const fourth = slots.take(NEVER).then(() => order.push("fourth"));
  await Promise.resolve();
  assertEquals(order, []);
  first!();
  (await third)!();
  await fourth;
  assertEquals(order, ["third", "fourth"]);
});

Deno.test("Slots.take() gives up when its signal aborts, and loses no slot by it", async () => {
  const slots = new Slots(1, 10);
  const release = await slots.take(NEVER);
  const impatient = new AbortController();
  const waiting = slots.take(impatient.signal);
  impatient.abort();
  assertEquals(await waiting, undefined);
  assertEquals(await slots.take(impatient.signal), undefined);
  release!();
  assert(await slots.take(NEVER) !== undefined);
});

Deno.test("Slots.take() lets no more wait than it may", async () => {
  const slots = new Slots(1, 1);
  const release = await slots.take(NEVER);
  const waiting = slots.take(NEVER);
  assertEquals(await slots.take(NEVER), undefined);
  release!();
  assert(await waiting !== undefined);
});
