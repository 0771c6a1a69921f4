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

Deno.test("Slots.take() gives who asks once its turn before who asks often", async () => {
  const slots = new Slots(1, 10);
  const release = await slots.take(NEVER, "often");
  const order: string[] = [];
  const asks = ["often", "often", "often", "once", "twice", "twice"].map(
    async (asker) => {
      const release = await slots.take(NEVER, asker);
      order.push(asker);
      release!();
    },
  );
  release!();
  await Promise.all(asks);
  assertEquals(
    order,
    ["often", "once", "twice", "often", "twice", "often"],
  );
});

Deno.test("Slots.take() sends the last of the longest line away for who has a shorter one", async () => {
  const slots = new Slots(1, 3);
  const release = await slots.take(NEVER, "often");
  const outcomes: string[] = [];
  const ask = (name: string, asker: string) =>
    slots.take(NEVER, asker).then((release) => {
      outcomes.push(`${name}: ${release === undefined ? "no" : "yes"}`);
      release?.();
    });
  const asks = [1, 2, 3, 4].map((n) => ask(`often ${n}`, "often"));
  asks.push(ask("once", "once"), ask("other", "other"), ask("late", "late"));
  release!();
  await Promise.all(asks);
  assertEquals(outcomes, [
    ...["often 4: no", "often 3: no", "often 2: no", "late: no"],
    ...["often 1: yes", "once: yes", "other: yes"],
  ]);
  assert(await slots.take(NEVER) !== undefined);
});
