/** So many at once, then so many a second. */
import { TokenBucket } from "../../../src/util/token_bucket.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** How many tokens there are right now. */
function drain(bucket: TokenBucket): number {
  let tokens = 0;
  while (bucket.take()) tokens++;
  return tokens;
}

Deno.test("TokenBucket.take() gives the burst at once and then its rate", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, { perSecond: 2, burst: 3 });
  assertEquals(drain(bucket), 3);
  await clock.advance(499);
  assertEquals(drain(bucket), 0);
  await clock.advance(1);
  assertEquals(drain(bucket), 1);
  await clock.advance(1000);
  assertEquals(drain(bucket), 2);
});

Deno.test("TokenBucket.take() never saves up more than the burst", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, { perSecond: 100, burst: 3 });
  await clock.advance(3_600_000);
  assertEquals(drain(bucket), 3);
  await clock.advance(3_600_000);
  assertEquals(drain(bucket), 3);
});

Deno.test("TokenBucket.take() loses nothing to being asked often", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, { perSecond: 1, burst: 1 });
  drain(bucket);
  let taken = 0;
  for (let i = 0; i < 1024; i++) {
    await clock.advance(7.8125); // 128 times a second
    taken += drain(bucket);
  }
  assertEquals(taken, 8);
});

Deno.test("TokenBucket.isEmpty() says so, and takes none", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, { perSecond: 1, burst: 1 });
  assertEquals([bucket.isEmpty(), bucket.isEmpty()], [false, false]);
  assertEquals([bucket.take(), bucket.isEmpty()], [true, true]);
  await clock.advance(1000);
  assertEquals([bucket.isEmpty(), drain(bucket)], [false, 1]);
});
