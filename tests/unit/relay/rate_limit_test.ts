/** Limits for what each client sends: how long frames wait, and whose. */
import { FrameType } from "../../../src/derp/frame.ts";
import { Pacer, RateLimits } from "../../../src/relay/rate_limit.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { testMeshKey } from "../../support/test_keys.ts";
import { TestRelay } from "../../support/test_relay.ts";

/** The smallest bucket: the largest packet and its key. */
const MIN_BURST = 65_568;
const NEVER = () => false;

function limits(
  bytesPerSecond: number,
  burstBytes = 0,
): { clock: FakeClock; rateLimits: RateLimits } {
  const clock = new FakeClock();
  const rateLimits = new RateLimits(clock);
  rateLimits.set({ bytesPerSecond, burstBytes });
  return { clock, rateLimits };
}

/** Whether `pause` is over. */
async function isOver(pause: Promise<void> | undefined): Promise<boolean> {
  await settle();
  const over = Promise.resolve(pause).then(() => true);
  return await Promise.race([over, settle().then(() => false)]);
}

Deno.test("RateLimits.set() makes a bucket no smaller than the largest frame, as derper does", () => {
  const { rateLimits } = limits(0);
  for (const [asked, applied] of [[0, MIN_BURST], [70_000, 70_000]] as const) {
    const limit = { bytesPerSecond: 10, burstBytes: asked };
    const expected = { bytesPerSecond: 10, burstBytes: applied };
    rateLimits.set(limit);
    assertEquals(rateLimits.current, expected);
  }
});

Deno.test("RateLimits.set() takes 0 bytes a second for no limit, whatever the burst", () => {
  const { rateLimits } = limits(10);
  const none = { bytesPerSecond: 0, burstBytes: 0 };
  rateLimits.set({ bytesPerSecond: 0, burstBytes: 99 });
  assertEquals(rateLimits.current, none);
  assertEquals(new Pacer(rateLimits).wait(1e9, NEVER), undefined);
});

Deno.test("Pacer lets the burst pass at once and then the rate", async () => {
  const { clock, rateLimits } = limits(1000, 70_000);
  const pacer = new Pacer(rateLimits);
  assertEquals(pacer.wait(30_000, NEVER), undefined);
  assertEquals(pacer.wait(40_000, NEVER), undefined);
  const pause = pacer.wait(100, NEVER);
  await clock.advance(99);
  assert(!await isOver(pause));
  await clock.advance(1);
  assert(await isOver(pause));
  assertEquals(rateLimits.waited, 1);
  await clock.advance(50);
  assertEquals(pacer.wait(50, NEVER), undefined);
  assertEquals(clock.pending, 0);
});

Deno.test("Pacer saves up no more than the burst while a client is quiet", async () => {
  const { clock, rateLimits } = limits(1000, 70_000);
  const pacer = new Pacer(rateLimits);
  pacer.wait(1, NEVER);
  await clock.advance(1e9);
  pacer.wait(60_000, NEVER);
  pacer.wait(10_000, NEVER);
  const pause = pacer.wait(1000, NEVER);
  await clock.advance(999);
  assert(!await isOver(pause));
  await clock.advance(1);
  assert(await isOver(pause));
});

Deno.test("Pacer counts no frame for more than the smallest bucket, as derper does", async () => {
  const { clock, rateLimits } = limits(MIN_BURST);
  const pacer = new Pacer(rateLimits);
  assertEquals(pacer.wait(0xffff_ffff, NEVER), undefined);
  const pause = pacer.wait(0xffff_ffff, NEVER);
  await clock.advance(999);
  assert(!await isOver(pause));
  await clock.advance(1);
  assert(await isOver(pause));
});

Deno.test("Pacer reaches a rate that is high for timers that come late", async () => {
  const fine = new FakeClock();
  const lateMs = 7;
  const rateLimits = new RateLimits({
    nowMs: () => fine.nowMs(),
    date: () => fine.date(),
    after: (delayMs, fn) => fine.after(delayMs + lateMs, fn),
  });
  rateLimits.set({ bytesPerSecond: 100e6, burstBytes: 0 });
  const pacer = new Pacer(rateLimits);
  let bytes = 0;
  const sending = (async () => {
    while (bytes < 100e6) {
      await pacer.wait(50_000, NEVER);
      bytes += 50_000;
    }
  })();
  await fine.advance(1000 + 2 * lateMs);
  assertEquals(bytes, 100e6);
  await sending;
});

Deno.test("Pacer waits no longer when the limit changes", async () => {
  const { clock, rateLimits } = limits(1);
  const pacer = new Pacer(rateLimits);
  pacer.wait(MIN_BURST, NEVER);
  const pause = pacer.wait(MIN_BURST, NEVER); // 18 hours
  rateLimits.set({ bytesPerSecond: 1, burstBytes: 1 }); // the same
  assert(!await isOver(pause));
  rateLimits.set({ bytesPerSecond: 1000, burstBytes: 0 });
  assert(await isOver(pause));
  assertEquals(pacer.wait(MIN_BURST, NEVER), undefined); // a new bucket is full
  assert(pacer.wait(1, NEVER) !== undefined);
  rateLimits.set({ bytesPerSecond: 0, burstBytes: 0 });
  await settle();
  assertEquals(clock.pending, 0);
});

Deno.test("Pacer sees within a second that a session has ended", async () => {
  const { clock, rateLimits } = limits(1);
  const pacer = new Pacer(rateLimits);
  let hasEnded = false;
  pacer.wait(MIN_BURST, NEVER);
  const pause = pacer.wait(MIN_BURST, () => hasEnded);
  await clock.advance(5000);
  hasEnded = true;
  await clock.advance(1000);
  assert(await isOver(pause));
  assertEquals(clock.pending, 0);
});

Deno.test("RateLimits.reload() applies what is read, or keeps the limit and says why", async () => {
  await using log = await CapturedLog.start();
  const { rateLimits } = limits(0);
  const limit = { bytesPerSecond: 9, burstBytes: MIN_BURST };
  await rateLimits.reload(() => Promise.resolve(limit));
  await rateLimits.reload(() => Promise.reject(new Error("Cannot, so there")));
  assertEquals(rateLimits.current, limit);
  assertEquals(log.lines.length, 2);
  const shown = "9 bytes a second, 65568 at once";
  assert(log.lines[0]!.endsWith(`what each client sends: ${shown}`));
  assert(log.lines[1]!.endsWith(`as they are, ${shown}: Cannot, so there`));
});

/** A relay with a limit, and its clock. */
function limited(bytesPerSecond: number): {
  relay: TestRelay;
  clock: FakeClock;
  rateLimits: RateLimits;
} {
  const { clock, rateLimits } = limits(bytesPerSecond);
  const relay = new TestRelay({
    clock,
    rateLimits,
    meshKey: testMeshKey(1),
  });
  return { relay, clock, rateLimits };
}

const ROOMY = { pair: { bufferBytes: 4 << 20 } };

async function receivedBytes(client: TestClient): Promise<number> {
  let bytes = 0;
  for (const { type, payload } of await client.drain()) {
    if (type === FrameType.RecvPacket) bytes += payload.length;
  }
  return bytes;
}

Deno.test("Session delays what a client sends too fast, and drops nothing", async () => {
  const { relay, clock, rateLimits } = limited(10_000);
  await using _relay = relay;
  using a = await relay.connect(ROOMY);
  using b = await relay.connect(ROOMY);
  for (let i = 0; i < 20; i++) {
    await a.sendPacket(b.publicKey, packetOf(9968)); // 10,000 with its key
  }
  assertEquals(await receivedBytes(b), 60_000); // what the first bucket has whole
  await clock.advance(443);
  assertEquals(await receivedBytes(b), 0);
  await clock.advance(1);
  assertEquals(await receivedBytes(b), 10_000); // 65,568 + 4,440 are over 70,000
  for (let i = 0; i < 13; i++) await clock.advance(1000);
  assertEquals(await receivedBytes(b), 130_000);
  assertEquals(rateLimits.waited, 14);
  assertEquals(relay.metric("derp_rate_limit_per_client_waited"), 14);
  assertEquals(relay.dropped("queue_head"), { packets: 0, bytes: 0 });
});

Deno.test("Session doesn't hold others up while a client waits, nor what goes to it", async () => {
  const { relay } = limited(1);
  await using _relay = relay;
  using a = await relay.connect(ROOMY);
  using b = await relay.connect(ROOMY);
  for (let i = 0; i < 2; i++) await a.sendPacket(b.publicKey, packetOf(65_536));
  assertEquals(await receivedBytes(b), MIN_BURST);
  await b.sendPacket(a.publicKey, packetOf(100));
  assertEquals((await a.expectPacket()).packet, packetOf(100));
  a.close();
  b.close();
  relay.relay.metrics.rateLimits!.set({ bytesPerSecond: 0, burstBytes: 0 });
});

/** Asks for frames of 1,000 bytes each `everyMs` for `forMs`, at 1,000 bytes a second and an empty bucket. */
async function pace(
  pacer: Pacer,
  { clock, everyMs, forMs }: {
    clock: FakeClock;
    everyMs: number;
    forMs: number;
  },
): Promise<void> {
  for (let ms = 0; ms < forMs; ms += everyMs) {
    const pause = pacer.wait(2000, NEVER);
    await clock.advance(everyMs);
    await pause;
  }
}

Deno.test("Pacer says that a client is throttled after a minute of waiting, and no more after a rest", async () => {
  const { clock, rateLimits } = limits(1000);
  let calls = 0;
  const pacer = new Pacer(rateLimits, () => calls++);
  pacer.wait(65_568, NEVER);
  await pace(pacer, { clock, everyMs: 2000, forMs: 60_000 });
  assertEquals([pacer.isThrottled, calls], [false, 0]);
  await pace(pacer, { clock, everyMs: 2000, forMs: 2000 });
  assert(pacer.isThrottled);
  assert(calls > 0);
  await clock.advance(8_000);
  assert(pacer.isThrottled);
  await clock.advance(2_001);
  assert(!pacer.isThrottled);
  const before = calls;
  await pace(pacer, { clock, everyMs: 2000, forMs: 60_000 });
  assert(!pacer.isThrottled, "it begins anew");
  assertEquals(calls, before);
});

Deno.test("Pacer says so while a single frame waits for that long", async () => {
  const { clock, rateLimits } = limits(1);
  let calls = 0;
  const pacer = new Pacer(rateLimits, () => calls++);
  pacer.wait(65_568, NEVER);
  const pause = pacer.wait(1000, NEVER);
  await clock.advance(60_000);
  assertEquals(calls, 0);
  await clock.advance(2_000);
  assert(calls > 0);
  rateLimits.set({ bytesPerSecond: 0, burstBytes: 0 });
  await pause;
});

Deno.test("Session counts an unknown frame for what its header says", async () => {
  const { relay, clock, rateLimits } = limited(MIN_BURST);
  await using _relay = relay;
  using a = await relay.connect(ROOMY);
  await a.send(0x99 as FrameType, packetOf(50_000));
  await a.send(0x99 as FrameType, packetOf(50_000));
  await settle();
  assertEquals(rateLimits.waited, 1);
  await clock.advance(1000);
  assertEquals(relay.metric("derp_unknown_frames"), 2);
});

Deno.test("Session has no limit for mesh peers", async () => {
  const { relay, rateLimits } = limited(1);
  await using _relay = relay;
  using peer = await relay.connect({ ...ROOMY, meshKey: testMeshKey(1) });
  using b = await relay.connect(ROOMY);
  for (let i = 0; i < 5; i++) {
    await peer.sendPacket(b.publicKey, packetOf(60_000));
    assertEquals(await receivedBytes(b), 60_032);
  }
  assertEquals(rateLimits.waited, 0);
});

Deno.test("Session follows a change of the limit while it is connected", async () => {
  const { relay, rateLimits } = limited(0);
  await using _relay = relay;
  using a = await relay.connect(ROOMY);
  using b = await relay.connect(ROOMY);
  const send = async () => {
    await a.sendPacket(b.publicKey, packetOf(65_536));
    return await receivedBytes(b);
  };
  for (let i = 0; i < 3; i++) assertEquals(await send(), MIN_BURST);
  rateLimits.set({ bytesPerSecond: 1, burstBytes: 0 });
  assertEquals(await send(), MIN_BURST);
  assertEquals(await send(), 0);
  rateLimits.set({ bytesPerSecond: 0, burstBytes: 0 });
  assertEquals(await receivedBytes(b), MIN_BURST);
  assertEquals(await send(), MIN_BURST);
});

Deno.test("Session that was closed while it waits handles no more frames", async () => {
  const { relay, clock } = limited(1);
  await using _relay = relay;
  using a = await relay.connect(ROOMY);
  using b = await relay.connect(ROOMY);
  using peer = await relay.connect({ meshKey: testMeshKey(1) });
  for (let i = 0; i < 2; i++) await a.sendPacket(b.publicKey, packetOf(65_536));
  assertEquals(await receivedBytes(b), MIN_BURST);
  await peer.send(FrameType.ClosePeer, a.publicKey.bytes);
  await clock.advance(1000);
  assertEquals(relay.metric("derp_gauge_current_connections"), 2);
  assertEquals(await receivedBytes(b), 0);
});

Deno.test("RelayMetrics has the limits only where there is a rate config", async () => {
  const { relay } = limited(5);
  await using _relay = relay;
  await using other = new TestRelay();
  const names = (of: TestRelay) =>
    Object.entries(of.relay.metrics.snapshot())
      .filter(([name]) => name.includes("rate_limit"));
  assertEquals(names(relay), [
    ["derp_rate_limit_per_client_bytes_per_second", 5],
    ["derp_rate_limit_per_client_burst_bytes", MIN_BURST],
    ["derp_rate_limit_per_client_waited", 0],
  ]);
  assertEquals(names(other), []);
});
