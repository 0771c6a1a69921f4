/** What each connection counts for itself. */
import { FrameType } from "../../../src/derp/frame.ts";
import type { SessionTraffic } from "../../../src/relay/session.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";
import { TestRelay } from "../../support/test_relay.ts";

function trafficOf(relay: TestRelay, client: TestClient): SessionTraffic {
  for (const session of relay.relay.table.sessions()) {
    if (session.route.key.equals(client.publicKey)) return session.traffic();
  }
  throw new RangeError("No such session");
}

function counts(traffic: SessionTraffic): readonly number[] {
  const { receivedPackets, receivedBytes, sentPackets, sentBytes } = traffic;
  return [receivedPackets, receivedBytes, sentPackets, sentBytes];
}

Deno.test("Session.traffic() counts packets of both kinds, and nothing else", async () => {
  await using relay = new TestRelay({ meshKey: testMeshKey(1) });
  using a = await relay.connect();
  using b = await relay.connect();
  using peer = await relay.connect({ meshKey: testMeshKey(1) });
  await a.sendPacket(b.publicKey, packetOf(100));
  await a.sendPacket(b.publicKey, discoPacket(70));
  await a.sendPacket(testKey(99).publicKey, packetOf(5)); // to nobody
  await a.send(FrameType.Ping, new Uint8Array(8));
  const source = testKey(98).publicKey.bytes;
  await peer.send(
    FrameType.ForwardPacket,
    source,
    b.publicKey.bytes,
    packetOf(7),
  );
  await settle();
  assertEquals(counts(trafficOf(relay, a)), [3, 175, 0, 0]);
  assertEquals(counts(trafficOf(relay, b)), [0, 0, 3, 177]);
  assertEquals(counts(trafficOf(relay, peer)), [1, 7, 0, 0]);
  assertEquals(trafficOf(relay, b).senders, 2);
  assert(trafficOf(relay, peer).isMeshPeer);
  assert(!trafficOf(relay, a).isMeshPeer);
});

Deno.test("Session.traffic() counts what a slow receiver loses", async () => {
  await using relay = new TestRelay();
  using sender = await relay.connect();
  using slow = await relay.connect({ pair: { bufferBytes: 1000 } });
  for (let i = 0; i < 60; i++) {
    await sender.sendPacket(slow.publicKey, packetOf(10_000));
  }
  await settle();
  const { droppedPackets, sentPackets } = trafficOf(relay, slow);
  assertEquals(sentPackets, 0);
  assertEquals(droppedPackets, relay.dropped("queue_head").packets);
  assert(droppedPackets > 0);
});

Deno.test("Session.traffic() tells since when", async () => {
  await using relay = new TestRelay();
  await relay.clock.advance(1_000);
  using client = await relay.connect();
  await relay.clock.advance(30_000);
  assertEquals(
    trafficOf(relay, client).since.toISOString(),
    "2026-01-02T03:04:06.000Z",
  );
});
