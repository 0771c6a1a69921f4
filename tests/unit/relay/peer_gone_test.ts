/** Who is told that a peer has left, or was never here. */
import { FrameType } from "../../../src/derp/frame.ts";
import { assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testKey } from "../../support/test_keys.ts";

const DISCONNECTED = 0;
const NOT_HERE = 1;
const ABSENT = testKey(77).publicKey;

Deno.test("Relay tells who had packets from a peer that it has left, once, and nobody else", async () => {
  await using relay = new TestRelay();
  using leaver = await relay.connect();
  using hearer = await relay.connect();
  using sender = await relay.connect();
  using bystander = await relay.connect();
  for (let i = 0; i < 3; i++) {
    await leaver.sendPacket(hearer.publicKey, packetOf(5));
    await hearer.expectPacket();
  }
  await sender.sendPacket(leaver.publicKey, packetOf(5));
  await leaver.expectPacket();
  leaver.close();
  const gone = await hearer.expect(FrameType.PeerGone);
  assertEquals([...gone], [...leaver.publicKey.bytes, DISCONNECTED]);
  for (const client of [hearer, sender, bystander]) await client.expectNone();
  assertEquals(relay.metric("derp_peer_gone_disconnected_frames"), 1);
});

Deno.test("Relay tells of a peer again that came back and left again, if it sent again", async () => {
  await using relay = new TestRelay();
  using hearer = await relay.connect();
  for (const sends of [true, false, true]) {
    using peer = await relay.connect({ key: testKey(5) });
    if (sends) {
      await peer.sendPacket(hearer.publicKey, packetOf(5));
      await hearer.expectPacket();
    }
    peer.close();
    await settle();
    if (sends) await hearer.expect(FrameType.PeerGone);
    await hearer.expectNone();
  }
});

Deno.test("Relay forgets who heard a peer when that one leaves first", async () => {
  await using relay = new TestRelay();
  using peer = await relay.connect();
  using hearer = await relay.connect();
  await peer.sendPacket(hearer.publicKey, packetOf(5));
  await hearer.expectPacket();
  hearer.close();
  await settle();
  peer.close();
  await settle();
  assertEquals(relay.metric("derp_peer_gone_disconnected_frames"), 0);
  assertEquals(relay.metric("derp_gauge_clients_total"), 0);
});

Deno.test("Relay finds a peer that came back after who had heard it before left", async () => {
  await using relay = new TestRelay();
  using hearer = await relay.connect();
  using sender = await relay.connect();
  using before = await relay.connect({ key: testKey(5) });
  await before.sendPacket(hearer.publicKey, packetOf(5));
  await hearer.expectPacket();
  before.close();
  await hearer.expect(FrameType.PeerGone);
  using again = await relay.connect({ key: testKey(5) });
  hearer.close();
  await settle();
  await sender.sendPacket(again.publicKey, packetOf(6));
  assertEquals((await again.expectPacket()).packet, packetOf(6));
});

Deno.test("Relay doesn't tell a peer of itself", async () => {
  await using relay = new TestRelay();
  using peer = await relay.connect();
  await peer.sendPacket(peer.publicKey, packetOf(5));
  await peer.expectPacket();
  peer.close();
  await settle();
  assertEquals(relay.metric("derp_peer_gone_disconnected_frames"), 0);
});

Deno.test("Relay says that a peer is not here only for disco packets", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  await a.sendPacket(ABSENT, packetOf(100));
  await a.sendPacket(ABSENT, discoPacket(61));
  await a.expectNone();
  await a.sendPacket(ABSENT, discoPacket(62));
  const gone = await a.expect(FrameType.PeerGone);
  assertEquals([...gone], [...ABSENT.bytes, NOT_HERE]);
  assertEquals(relay.dropped("unknown_dest", "disco"), {
    packets: 1,
    bytes: 62,
  });
  assertEquals(relay.dropped("unknown_dest"), { packets: 2, bytes: 161 });
});

Deno.test("Relay says that peers are not here 3 times at once and then once a second", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using other = await relay.connect();
  const ask = async (from: typeof a) => {
    for (let i = 0; i < 10; i++) {
      await from.sendPacket(testKey(80 + i).publicKey, discoPacket(62));
    }
    return (await from.drain()).length;
  };
  assertEquals(await ask(a), 3);
  assertEquals(await ask(other), 3); // each client has its own limit
  await relay.clock.advance(999);
  assertEquals(await ask(a), 0);
  await relay.clock.advance(1);
  assertEquals(await ask(a), 1);
  await relay.clock.advance(50_000);
  assertEquals(await ask(a), 3);
  assertEquals(relay.metric("derp_peer_gone_not_here_frames"), 10);
});
