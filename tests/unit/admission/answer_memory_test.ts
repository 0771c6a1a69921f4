/** What is remembered of a source's answers, for how long, and of how many. */
import {
  AnswerMemory,
  type AnswerMemoryOptions,
} from "../../../src/admission/answer_memory.ts";
import type { Answer } from "../../../src/admission/source.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const ADMITTED: Answer = { admitted: true, node: "laptop" };
const REFUSED: Answer = { admitted: false, reason: "no", advice: "do" };

function setUp(options: Partial<AnswerMemoryOptions> = {}) {
  const clock = new FakeClock();
  const ttls = { cacheTtlMs: 60_000, staleTtlMs: 3_600_000 };
  return { clock, memory: new AnswerMemory({ clock, ...ttls, ...options }) };
}

Deno.test("AnswerMemory has each kind of answer for its own time", async () => {
  const { memory, clock } = setUp();
  const remembered = () => [
    memory.cached("a"),
    memory.cached("b"),
    memory.stale("a"),
    memory.stale("b"),
  ];
  memory.note("a", ADMITTED);
  memory.note("b", REFUSED);
  assertEquals(remembered(), [ADMITTED, REFUSED, ADMITTED, undefined]);
  await clock.advance(10_000);
  assertEquals(remembered(), [ADMITTED, undefined, ADMITTED, undefined]);
  await clock.advance(50_000);
  assertEquals(remembered(), [undefined, undefined, ADMITTED, undefined]);
  await clock.advance(3_540_000);
  assertEquals(remembered(), Array(4).fill(undefined));
});

Deno.test("AnswerMemory remembers the last answer alone", () => {
  const { memory } = setUp();
  memory.note("a", ADMITTED);
  memory.note("a", REFUSED);
  assertEquals([memory.cached("a"), memory.stale("a")], [REFUSED, undefined]);
  assert(!memory.knowsSomeone);
  memory.note("a", ADMITTED);
  assertEquals([memory.cached("a"), memory.stale("a")], [ADMITTED, ADMITTED]);
  assert(memory.knowsSomeone);
});

Deno.test("AnswerMemory remembers nothing where it isn't to", () => {
  const { memory } = setUp({ cacheTtlMs: 0, staleTtlMs: 0 });
  memory.note("a", ADMITTED);
  memory.note("b", REFUSED);
  assertEquals(memory.cached("a") ?? memory.cached("b"), undefined);
  assertEquals([memory.stale("a"), memory.knowsSomeone], [undefined, false]);
});

Deno.test("AnswerMemory serves as a cache alone, and for outages alone", () => {
  const cache = setUp({ staleTtlMs: 0 }).memory;
  const reserve = setUp({ cacheTtlMs: 0 }).memory;
  for (const memory of [cache, reserve]) {
    memory.note("a", ADMITTED);
    memory.note("b", REFUSED);
  }
  assertEquals([cache.cached("a"), cache.stale("a")], [ADMITTED, undefined]);
  assertEquals([reserve.cached("a"), reserve.cached("b")], [
    undefined,
    undefined,
  ]);
  assertEquals(reserve.stale("a"), ADMITTED);
});

Deno.test("AnswerMemory forgets whom it heard of longest ago when it has 50,000", () => {
  const { memory } = setUp();
  memory.note("0", ADMITTED);
  memory.note("1", ADMITTED);
  memory.note("0", ADMITTED);
  for (let i = 2; i <= 50_000; i++) memory.note(`${i}`, ADMITTED);
  assertEquals(memory.cached("1"), undefined);
  assertEquals(memory.cached("0"), ADMITTED);
});

Deno.test("AnswerMemory doesn't forget members for strangers", () => {
  const { memory } = setUp();
  memory.note("member", ADMITTED);
  for (let i = 0; i <= 60_000; i++) memory.note(`stranger ${i}`, REFUSED);
  assertEquals(memory.cached("member"), ADMITTED);
  assertEquals(memory.cached("stranger 50000"), undefined);
  assertEquals(memory.cached("stranger 50001"), REFUSED);
});
