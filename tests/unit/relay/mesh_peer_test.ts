/** What mesh peers may do: forward packets to us, and close connections. */
import { FrameType } from "../../../src/derp/frame.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

const MESH = { meshKey: testMeshKey(1) };
const SOURCE = testKey(60).publicKey;
const ABSENT = testKey(61).publicKey;

async function forward(
  peer: TestClient,
  to: { bytes: Uint8Array },
  packet: Uint8Array,
): Promise<void> {
  await peer.send(FrameType.ForwardPacket, SOURCE.bytes, to.bytes, packet);
}

Deno.test("Relay delivers a forwarded packet as coming from its source", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  using a = await relay.connect();
  for (const bytes of [0, 1400, 65_536]) {
    await forward(peer, a.publicKey, packetOf(bytes));
    assertEquals(await a.expectPacket(), {
      source: SOURCE.hex(),
      packet: packetOf(bytes),
    });
  }
  await peer.expectNone();
  assertEquals(relay.metric("derp_packets_forwarded_in"), 3);
  assertEquals(relay.metric("derp_packets_received"), 0); // derper's rule
  assertEquals(relay.metric("derp_packets_sent"), 3);
});

Deno.test("Relay never forwards a forwarded packet again", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  let forwarded = 0;
  relay.relay.table.addForwarder(ABSENT, { forwardPacket: () => forwarded++ });
  await forward(peer, ABSENT, packetOf(100));
  await peer.expectNone();
  assertEquals(forwarded, 0);
  assertEquals(relay.dropped("unknown_dest_on_fwd"), {
    packets: 1,
    bytes: 100,
  });
});

Deno.test("Relay tells a mesh peer that the destination of a disco packet is not here", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  await forward(peer, ABSENT, discoPacket(90));
  const gone = await peer.expect(FrameType.PeerGone);
  assertEquals([...gone], [...ABSENT.bytes, 1]);
  assertEquals(relay.dropped("unknown_dest_on_fwd", "disco"), {
    packets: 1,
    bytes: 90,
  });
});

Deno.test("Relay tells who heard a forwarded source that its relay has lost it", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  using a = await relay.connect();
  const { table } = relay.relay;
  const forwarder = { forwardPacket() {} };
  table.addForwarder(SOURCE, forwarder);
  await forward(peer, a.publicKey, packetOf(1));
  await a.expectPacket();
  table.removeForwarder(SOURCE, forwarder);
  const gone = await a.expect(FrameType.PeerGone);
  assertEquals([...gone], [...SOURCE.bytes, 0]);
});

Deno.test("Relay remembers who heard a source that is announced only later", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  using a = await relay.connect();
  const { table } = relay.relay;
  await forward(peer, a.publicKey, packetOf(1)); // before its PeerPresent
  await a.expectPacket();
  const forwarder = { forwardPacket() {} };
  table.addForwarder(SOURCE, forwarder);
  table.removeForwarder(SOURCE, forwarder);
  await a.expect(FrameType.PeerGone);
});

Deno.test("Relay forgets a source that was never announced when who heard it leaves", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  using a = await relay.connect();
  await forward(peer, a.publicKey, packetOf(1));
  await a.expectPacket();
  const lookUp = () => relay.relay.table.lookUp(SOURCE.bytes, 0);
  assert(lookUp() !== undefined);
  a.close();
  await settle();
  assertEquals(lookUp(), undefined);
});

Deno.test("Relay ends all connections of a key on ClosePeer, and no other", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  using a = await relay.connect({ key: testKey(9) });
  using again = await relay.connect({ key: testKey(9) });
  using bystander = await relay.connect();
  await peer.send(FrameType.ClosePeer, testKey(9).publicKey.bytes);
  assertEquals(await a.expectEnd(), []);
  assertEquals(await again.expectEnd(), []);
  await bystander.expectNone();
  assertEquals(relay.metric("derp_gauge_current_connections"), 2);
  await peer.send(FrameType.ClosePeer, ABSENT.bytes); // nobody
  await peer.expectNone();
});

Deno.test("Relay ends a mesh peer that closes itself", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  await peer.send(FrameType.ClosePeer, peer.publicKey.bytes);
  assertEquals(await peer.expectEnd(), []);
  await settle();
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
});

Deno.test("Relay counts a packet for one who was just closed as gone_disconnected", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  using a = await relay.connect({ key: testKey(9) });
  const key = testKey(9).publicKey.bytes;
  const frames = [
    FrameType.ClosePeer,
    ...[0, 0, 0, 32],
    ...key,
    FrameType.SendPacket,
    ...[0, 0, 0, 42],
    ...key,
    ...packetOf(10),
    FrameType.ForwardPacket,
    ...[0, 0, 0, 126],
    ...SOURCE.bytes,
    ...key,
    ...discoPacket(62),
  ];
  await peer.write(Uint8Array.from(frames)); // in one read
  await a.expectEnd();
  assertEquals(relay.dropped("gone_disconnected"), { packets: 1, bytes: 10 });
  assertEquals(relay.dropped("gone_disconnected", "disco"), {
    packets: 1,
    bytes: 62,
  });
});

Deno.test("Relay lets a mesh peer be a client like any other, too", async () => {
  await using relay = new TestRelay(MESH);
  using peer = await relay.connect(MESH);
  using a = await relay.connect();
  await a.sendPacket(peer.publicKey, packetOf(2));
  assertEquals((await peer.expectPacket()).source, a.publicKey.hex());
  await peer.sendPacket(a.publicKey, packetOf(3));
  assertEquals((await a.expectPacket()).source, peer.publicKey.hex());
});
