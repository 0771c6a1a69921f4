/** Several connections of one key: who receives, and who hears what. */
import { FrameType } from "../../../src/derp/frame.ts";
import { assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testKey } from "../../support/test_keys.ts";

const KEY = testKey(9);

/** A sender and so many connections of one key, in order. */
async function connectAll(
  relay: TestRelay,
  count: number,
): Promise<{ sender: TestClient; dups: TestClient[] }> {
  const sender = await relay.connect();
  const dups: TestClient[] = [];
  for (let i = 0; i < count; i++) dups.push(await relay.connect({ key: KEY }));
  return { sender, dups };
}

/** Sends a packet to the key and checks which connection gets it. */
async function expectActive(
  sender: TestClient,
  dups: readonly TestClient[],
  active: TestClient,
): Promise<void> {
  await sender.sendPacket(KEY.publicKey, packetOf(10));
  for (const dup of dups) {
    if (dup === active) {
      assertEquals((await dup.expectPacket()).packet, packetOf(10));
    } else await dup.expectNone();
  }
}

/** The gauges and the counter, in derper's order. */
function dupMetrics(relay: TestRelay): number[] {
  return [
    relay.metric("derp_gauge_current_dup_client_keys"),
    relay.metric("derp_gauge_current_dup_client_conns"),
    relay.metric("derp_counter_total_dup_client_conns"),
  ];
}

Deno.test("Relay gives packets to the newest connection of a key", async () => {
  await using relay = new TestRelay();
  const { sender, dups } = await connectAll(relay, 3);
  await expectActive(sender, dups, dups[2]!);
});

Deno.test("Relay gives packets to the connection that sent last, whatever it sent", async () => {
  await using relay = new TestRelay();
  const { sender, dups } = await connectAll(relay, 3);
  const [first, second, third] = dups as [TestClient, TestClient, TestClient];
  await first.send(FrameType.NotePreferred, Uint8Array.of(1));
  await settle();
  await expectActive(sender, dups, first);
  await second.send(FrameType.Ping, new Uint8Array(8));
  await second.expect(FrameType.Pong);
  await expectActive(sender, dups, second);
  await third.sendPacket(sender.publicKey, packetOf(1));
  await sender.expectPacket();
  await expectActive(sender, dups, third);
  await first.send(0x99 as FrameType); // an unknown frame
  await settle();
  await expectActive(sender, dups, first);
});

Deno.test("Relay goes back to the one that sent last before when the active connection leaves", async () => {
  await using relay = new TestRelay();
  const { sender, dups } = await connectAll(relay, 4);
  const [first, second, third, fourth] = dups as [
    TestClient,
    TestClient,
    TestClient,
    TestClient,
  ];
  for (const dup of [first, third, second]) {
    await dup.send(FrameType.Ping, new Uint8Array(8));
    await dup.expect(FrameType.Pong);
  }
  second.close();
  await settle();
  await expectActive(sender, [first, third, fourth], third);
  third.close();
  await settle();
  await expectActive(sender, [first, fourth], first);
  first.close();
  await settle();
  await expectActive(sender, [fourth], fourth);
});

Deno.test("Relay keeps the active connection when another one of its key leaves", async () => {
  await using relay = new TestRelay();
  const { sender, dups } = await connectAll(relay, 3);
  dups[0]!.close();
  await settle();
  await expectActive(sender, dups.slice(1), dups[2]!);
});

Deno.test("Relay says PeerGone when the last connection of a key has left, not before", async () => {
  await using relay = new TestRelay();
  const { sender, dups } = await connectAll(relay, 2);
  for (const dup of dups) await dup.sendPacket(sender.publicKey, packetOf(1));
  for (const _ of dups) await sender.expectPacket();
  dups[1]!.close();
  await sender.expectNone();
  dups[0]!.close();
  const gone = await sender.expect(FrameType.PeerGone);
  assertEquals([...gone], [...KEY.publicKey.bytes, 0]);
  await sender.expectNone();
});

Deno.test("Relay counts keys with several connections, and these", async () => {
  await using relay = new TestRelay();
  assertEquals(dupMetrics(relay), [0, 0, 0]);
  const { dups } = await connectAll(relay, 2);
  assertEquals(dupMetrics(relay), [1, 2, 1]);
  dups.push(await relay.connect({ key: KEY }));
  assertEquals(dupMetrics(relay), [1, 3, 2]);
  const others = [
    await relay.connect({ key: testKey(10) }),
    await relay.connect({ key: testKey(10) }),
  ];
  assertEquals(dupMetrics(relay), [2, 5, 3]);
  assertEquals(relay.metric("derp_gauge_clients_local"), 3);
  assertEquals(relay.metric("derp_gauge_current_connections"), 6);
  for (const client of [...dups, ...others]) {
    client.close();
    await settle();
  }
  assertEquals(dupMetrics(relay), [0, 0, 3]);
  assertEquals(relay.metric("derp_gauge_clients_local"), 1);
});

Deno.test("Relay gives a packet to oneself to the connection that sent it", async () => {
  await using relay = new TestRelay();
  const { dups } = await connectAll(relay, 2);
  await dups[0]!.sendPacket(KEY.publicKey, packetOf(4));
  assertEquals((await dups[0]!.expectPacket()).packet, packetOf(4));
  await dups[1]!.expectNone();
});
