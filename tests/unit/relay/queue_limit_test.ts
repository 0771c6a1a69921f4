/** The bound of a queue follows what its receiver drains. */
import { QueueLimit } from "../../../src/relay/queue_limit.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const MIN_BYTES = 16 * 1024;
const MAX_BYTES = 512 * 1024;
const AGE_MS = 25;

/** The bound after many writes of 16 KiB to a receiver of so many bytes a millisecond. */
function settleAt(limit: QueueLimit, bytesPerMs: number, writes = 300): number {
  for (let i = 0; i < writes; i++) limit.note(16_384, 16_384 / bytesPerMs);
  return limit.bytes;
}

Deno.test("QueueLimit begins at its ceiling: nothing is known of the receiver", () => {
  assertEquals(new QueueLimit().bytes, MAX_BYTES);
});

Deno.test("QueueLimit settles at what the receiver drains in 25 ms, between floor and ceiling", () => {
  for (const bytesPerMs of [2000, 5000]) { // 16 and 40 Mbit/s
    const bytes = settleAt(new QueueLimit(), bytesPerMs);
    assert(Math.abs(bytes - bytesPerMs * AGE_MS) < 100, `${bytes}`);
  }
  assertEquals(settleAt(new QueueLimit(), 10), MIN_BYTES); // 80 kbit/s
  assertEquals(settleAt(new QueueLimit(), 1_000_000), MAX_BYTES);
});

Deno.test("QueueLimit recovers when the receiver does", () => {
  const limit = new QueueLimit();
  assertEquals(settleAt(limit, 100), MIN_BYTES);
  for (let i = 0; i < 300; i++) limit.note(16_384, 0.1);
  assert(limit.bytes > MAX_BYTES - 100, `${limit.bytes}`);
});

Deno.test("QueueLimit learns nothing of a slow receiver from writes that went out at once", () => {
  const limit = new QueueLimit();
  for (let i = 0; i < 100; i++) limit.note(40, 1.9); // few bytes, but no wait
  assertEquals(limit.bytes, MAX_BYTES);
});

Deno.test("QueueLimit stays a number between its bounds whatever it is told", () => {
  const limit = new QueueLimit();
  for (
    const [bytes, ms] of [[0, 0], [1, 1e9], [1e9, 2], [0, 5], [1, 0]] as const
  ) {
    for (let i = 0; i < 50; i++) limit.note(bytes, ms);
    assert(limit.bytes >= MIN_BYTES && limit.bytes <= MAX_BYTES);
  }
});

Deno.test("QueueLimit lets much gather for one write only when the receiver is known to be fast", () => {
  const limit = new QueueLimit();
  assertEquals(limit.gatherBytes, 0);
  assert(limit.writeBytes < 4096); // a slow one would take seconds for more
  for (let i = 0; i < 40; i++) limit.note(16_384, 0.1);
  assertEquals([limit.gatherBytes, limit.writeBytes], [65_536, Infinity]);
  settleAt(limit, 1250); // 10 Mbit/s
  assertEquals([limit.gatherBytes, Math.round(limit.writeBytes / 10)], [
    0,
    625,
  ]);
});

Deno.test("QueueLimit isn't misled by small writes that go out at once between those that wait", () => {
  const limit = new QueueLimit();
  for (let i = 0; i < 200; i++) {
    limit.note(190, 0.1); // disco
    limit.note(1437, 45); // 256 kbit/s
  }
  assertEquals(limit.bytes, MIN_BYTES);
});

Deno.test("QueueLimit knows a very slow receiver after its first second", () => {
  const limit = new QueueLimit();
  for (let i = 0; i < 40; i++) limit.note(16_384, 0.1); // fast so far
  for (let i = 0; i < 10; i++) limit.note(1437, 90); // 128 kbit/s
  assertEquals(limit.bytes, MIN_BYTES);
  assertEquals(limit.gatherBytes, 0);
});
