/** What clients are told to be wrong, how often, and who isn't. */
import { FrameType } from "../../../src/derp/frame.ts";
import { NodePrivate } from "../../../src/keys/node_key.ts";
import { RateLimits } from "../../../src/relay/rate_limit.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { testMeshKey } from "../../support/test_keys.ts";
import { TestRelay } from "../../support/test_relay.ts";

const MINUTE_MS = 60_000;
const EXPIRES = "its certificate expires on 2026-02-03";
const DOWN = "it can't verify new clients";
const SLOWED =
  "this device sends more than the relay allows and is slowed down";

/** The texts that have come, in order; all else is passed over. */
async function texts(client: TestClient): Promise<string[]> {
  return (await client.drain())
    .filter(({ type }) => type === FrameType.Health)
    .map(({ payload }) => new TextDecoder().decode(payload));
}

Deno.test("HealthNotices.report() tells every client once, and clears it with an empty text", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  const { notices } = relay.relay;
  notices.report("certificate", EXPIRES);
  notices.report("certificate", EXPIRES);
  assertEquals([await texts(a), await texts(b)], [[EXPIRES], [EXPIRES]]);
  await relay.clock.advance(5 * MINUTE_MS);
  notices.report("certificate", EXPIRES);
  assertEquals(await texts(a), []);
  notices.report("certificate", undefined);
  assertEquals([await texts(a), await texts(b)], [[""], [""]]);
});

Deno.test("HealthNotices has one text for all that is wrong", async () => {
  await using relay = new TestRelay();
  const { notices } = relay.relay;
  notices.report("verification", DOWN);
  notices.report("certificate", EXPIRES);
  using client = await relay.connect();
  assertEquals(await texts(client), [`${EXPIRES}; ${DOWN}`]);
  await relay.clock.advance(MINUTE_MS);
  notices.report("certificate", undefined);
  assertEquals(await texts(client), [DOWN]);
});

Deno.test("HealthNotices sends a client one frame a minute at most, and then what holds by then", async () => {
  await using relay = new TestRelay();
  const { notices } = relay.relay;
  using client = await relay.connect();
  notices.report("verification", DOWN);
  assertEquals(await texts(client), [DOWN]);
  for (let i = 0; i < 50; i++) {
    await relay.clock.advance(1_000);
    notices.report("verification", i % 2 ? DOWN : undefined);
  }
  notices.report("certificate", EXPIRES);
  assertEquals(await texts(client), []);
  await relay.clock.advance(11_000);
  assertEquals(await texts(client), [`${EXPIRES}; ${DOWN}`]);
  await relay.clock.advance(10 * MINUTE_MS);
  assertEquals(await texts(client), []);
});

Deno.test("HealthNotices says nothing of what was over before it could be cleared and came again", async () => {
  await using relay = new TestRelay();
  const { notices } = relay.relay;
  using client = await relay.connect();
  notices.report("verification", DOWN);
  assertEquals(await texts(client), [DOWN]);
  await relay.clock.advance(10_000);
  notices.report("verification", undefined);
  await relay.clock.advance(10_000);
  notices.report("verification", DOWN);
  await relay.clock.advance(10 * MINUTE_MS);
  assertEquals(await texts(client), []);
});

Deno.test("HealthNotices.join() tells a new client after its ServerInfo, and others nothing", async () => {
  await using relay = new TestRelay();
  using early = await relay.connect();
  await relay.clock.advance(1_000);
  relay.relay.notices.report("certificate", EXPIRES);
  assertEquals(await texts(early), [EXPIRES]);
  using late = await relay.connect(); // has had its ServerInfo
  assertEquals(await texts(late), [EXPIRES]);
  assertEquals(await texts(early), []);
});

Deno.test("HealthNotices keeps its minute for a client that came when all was about to be well", async () => {
  await using relay = new TestRelay();
  const { notices } = relay.relay;
  notices.report("certificate", EXPIRES);
  using client = await relay.connect();
  assertEquals(await texts(client), [EXPIRES]);
  await relay.clock.advance(1_000);
  notices.report("certificate", undefined);
  await relay.clock.advance(MINUTE_MS - 2_000);
  assertEquals(await texts(client), []);
  await relay.clock.advance(2_000);
  assertEquals(await texts(client), [""]);
});

Deno.test("HealthNotices tells neither mesh peers nor probers, who have no user", async () => {
  await using relay = new TestRelay({ meshKey: testMeshKey(1) });
  relay.relay.notices.report("certificate", EXPIRES);
  using peer = await relay.connect({ meshKey: testMeshKey(1) });
  using prober = await relay.connect({ isProber: true });
  relay.relay.notices.report("verification", DOWN);
  await peer.expectNone();
  await prober.expectNone();
});

Deno.test("HealthNotices has no timer while nothing is wrong, and none while nothing changes", async () => {
  await using relay = new TestRelay({ writeTimeoutMs: 0 }); // a timer of its own
  const { clock } = relay;
  const { notices } = relay.relay;
  using client = await relay.connect();
  const keepAlive = clock.pending;
  notices.report("certificate", EXPIRES);
  assertEquals(await texts(client), [EXPIRES]);
  assertEquals(clock.pending, keepAlive);
  await clock.advance(2_000);
  notices.report("certificate", undefined);
  assertEquals(clock.pending, keepAlive + 1);
  await clock.advance(2 * MINUTE_MS);
  assertEquals(await texts(client), [""]);
  await clock.advance(MINUTE_MS);
  assertEquals(clock.pending, keepAlive);
});

Deno.test("HealthNotices forgets a client that leaves, with the timer for it", async () => {
  await using relay = new TestRelay();
  const { notices } = relay.relay;
  const client = await relay.connect();
  notices.report("certificate", EXPIRES);
  notices.report("certificate", undefined);
  await settle();
  client.close();
  await settle();
  assertEquals(relay.clock.pending, 0);
});

Deno.test("HealthNotices spreads frames for thousands of clients over some seconds", async () => {
  await using relay = new TestRelay();
  const pair = { bufferBytes: 256 };
  const clients = await Promise.all(
    Array.from(
      { length: 1_500 },
      () => relay.connect({ pair, key: NodePrivate.generate() }),
    ),
  );
  relay.relay.notices.report("certificate", EXPIRES);
  await settle();
  const told = () => {
    const waiting = clients.map(({ conn }) =>
      (conn as unknown as { readableBytes: number }).readableBytes
    );
    return waiting.filter((bytes) => bytes > 0).length;
  };
  assertEquals(told(), 1_000);
  await relay.clock.advance(1_000);
  assertEquals(told(), 1_500);
});

Deno.test("HealthNotices tells a client that it is throttled for over a minute, and when it isn't any more", async () => {
  const clock = new FakeClock();
  const rateLimits = new RateLimits(clock);
  rateLimits.set({ bytesPerSecond: 10_000, burstBytes: 0 });
  const relay = new TestRelay({ clock, rateLimits, writeTimeoutMs: 0 });
  const pair = { bufferBytes: 1 << 20 };
  using busy = await relay.connect({ pair });
  using idle = await relay.connect({ pair });
  const send = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      await busy.sendPacket(busy.publicKey, packetOf(15_000));
      await clock.advance(1_000);
    }
  };
  await send(70);
  assertEquals(await texts(busy), []);
  await send(10);
  assertEquals(await texts(busy), [SLOWED]);
  await clock.advance(5 * MINUTE_MS);
  assertEquals(await texts(busy), [""]);
  assertEquals(await texts(idle), []);
  assertEquals(clock.pending, 2, "keep-alives alone");
  await relay.close();
  assertEquals(clock.pending, 0);
  assert(rateLimits.waited > 0);
});
