/** Packets from one client to another: sizes, order, and who gets none. */
import { FrameType, MAX_PACKET_BYTES } from "../../../src/derp/frame.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";
import { TestRelay } from "../../support/test_relay.ts";

Deno.test("Relay carries packets both ways and names their source", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  await a.sendPacket(b.publicKey, packetOf(100));
  assertEquals(await b.expectPacket(), {
    source: a.publicKey.hex(),
    packet: packetOf(100),
  });
  await b.sendPacket(a.publicKey, packetOf(200));
  assertEquals(await a.expectPacket(), {
    source: b.publicKey.hex(),
    packet: packetOf(200),
  });
  assertEquals(relay.metric("derp_packets_received"), 2);
  assertEquals(relay.metric("derp_bytes_received"), 300);
  assertEquals(relay.metric("derp_packets_sent"), 2);
  assertEquals(relay.metric("derp_bytes_sent"), 300);
});

Deno.test("Relay carries a packet to its own sender", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  await a.sendPacket(a.publicKey, packetOf(5));
  assertEquals(await a.expectPacket(), {
    source: a.publicKey.hex(),
    packet: packetOf(5),
  });
});

for (const bytes of [0, 1, 61, 62, 1400, 16_384, 16_385, MAX_PACKET_BYTES]) {
  Deno.test(`Relay carries a packet of ${bytes} bytes unchanged`, async () => {
    await using relay = new TestRelay();
    using a = await relay.connect();
    using b = await relay.connect();
    await a.sendPacket(b.publicKey, packetOf(bytes));
    const { packet } = await b.expectPacket();
    assertEquals(packet.length, bytes);
    assertEquals(toHex(packet), toHex(packetOf(bytes)));
  });
}

Deno.test("Relay keeps packets of one sender in order, whatever the sizes of reads and writes", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect({ pair: { maxReadBytes: 17 } });
  using b = await relay.connect({
    pair: { maxWriteBytes: 13, maxReadBytes: 11 },
  });
  for (let i = 0; i < 40; i++) {
    await a.sendPacket(b.publicKey, packetOf(i, i));
  }
  for (let i = 0; i < 40; i++) {
    assertEquals((await b.expectPacket()).packet, packetOf(i, i));
  }
});

Deno.test("Relay handles all frames that come in one read", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  using c = await relay.connect();
  const frames: number[] = [];
  for (let i = 0; i < 10; i++) {
    for (const to of [b, c]) {
      frames.push(FrameType.SendPacket, 0, 0, 0, 33, ...to.publicKey.bytes, i);
    }
  }
  await a.write(Uint8Array.from(frames));
  for (const to of [b, c]) {
    for (let i = 0; i < 10; i++) {
      assertEquals((await to.expectPacket()).packet, Uint8Array.of(i));
    }
  }
});

Deno.test("Relay drops a packet for a key that nobody has as unknown_dest, in silence", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  await a.sendPacket(relay.relay.publicKey, packetOf(50));
  await a.expectNone();
  assertEquals(relay.dropped("unknown_dest"), { packets: 1, bytes: 50 });
  assertEquals(relay.metric("derp_peer_gone_not_here_frames"), 0);
});

Deno.test("Relay counts packets by kind", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  await a.sendPacket(b.publicKey, discoPacket(62));
  await a.sendPacket(b.publicKey, discoPacket(61)); // too short to be one
  await a.sendPacket(b.publicKey, packetOf(62));
  for (let i = 0; i < 3; i++) await b.expectPacket();
  const kind = "derp_counter_packets_received_kind";
  assertEquals(relay.metric(`${kind}{kind="disco"}`), 1);
  assertEquals(relay.metric(`${kind}{kind="other"}`), 2);
});

Deno.test("Relay.close() ends every connection", async () => {
  const relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  const silent = relay.accept(); // has not said who it is
  await relay.close();
  assertEquals(await a.expectEnd(), []);
  assertEquals(await b.expectEnd(), []);
  assert(silent.server.closed);
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
  assertEquals(relay.metric("derp_gauge_clients_total"), 0);
});
