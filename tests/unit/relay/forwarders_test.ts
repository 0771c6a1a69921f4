/** Packets for clients of other relays: which mesh peer gets them, and what is told when one goes. */
import { FrameType } from "../../../src/derp/frame.ts";
import type { PacketForwarder } from "../../../src/relay/forwarder.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testKey } from "../../support/test_keys.ts";

const REMOTE = testKey(50).publicKey;
const TOTAL = "derp_gauge_clients_total";
const LOCAL = "derp_gauge_clients_local";
const REMOTES = "derp_gauge_clients_remote";
const CREATED = "derp_multiforwarder_created";
const DELETED = "derp_multiforwarder_deleted";
const OTHER = "derp_packet_forwarder_delete_other_value";

/** Keeps what it should forward, as hexadecimal. */
class FakeForwarder implements PacketForwarder {
  forwarded: string[] = [];

  forwardPacket(
    source: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.forwarded.push(`${toHex(source)}>${toHex(from.subarray(start, end))}`);
  }
}

Deno.test("Relay forwards a packet to the mesh peer that announced its destination", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  const forwarder = new FakeForwarder();
  relay.relay.table.addForwarder(REMOTE, forwarder);
  for (const packet of [packetOf(0), packetOf(5), discoPacket(70)]) {
    await a.sendPacket(REMOTE, packet);
  }
  await a.expectNone();
  assertEquals(
    forwarder.forwarded,
    [packetOf(0), packetOf(5), discoPacket(70)].map((packet) =>
      `${a.publicKey.hex()}>${REMOTE.hex()}${toHex(packet)}`
    ),
  );
  assertEquals(relay.metric("derp_packets_forwarded_out"), 3);
  assertEquals(relay.metric("derp_packets_received"), 3);
});

Deno.test("Relay prefers a local client to any mesh peer, and goes back to that when it leaves", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  const forwarder = new FakeForwarder();
  relay.relay.table.addForwarder(b.publicKey, forwarder);
  await a.sendPacket(b.publicKey, packetOf(5));
  await b.expectPacket();
  await b.sendPacket(a.publicKey, packetOf(6));
  await a.expectPacket();
  b.close();
  await a.expectNone(); // no PeerGone: it is still in the region
  await a.sendPacket(b.publicKey, packetOf(7));
  await a.expectNone();
  assertEquals(forwarder.forwarded.length, 1);
  relay.relay.table.removeForwarder(b.publicKey, forwarder);
  const gone = await a.expect(FrameType.PeerGone);
  assertEquals([...gone], [...b.publicKey.bytes, 0]);
});

Deno.test("Relay says nothing when a mesh peer loses a key that is here, too", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  const forwarder = new FakeForwarder();
  relay.relay.table.addForwarder(b.publicKey, forwarder);
  await b.sendPacket(a.publicKey, packetOf(6));
  await a.expectPacket();
  relay.relay.table.removeForwarder(b.publicKey, forwarder);
  await a.expectNone();
  assertEquals(relay.metric(TOTAL), 2);
});

Deno.test("RelayTable uses the mesh peer that announced a key first, then the next", async () => {
  await using relay = new TestRelay();
  const { table } = relay.relay;
  using a = await relay.connect();
  const [first, second, third] = [
    new FakeForwarder(),
    new FakeForwarder(),
    new FakeForwarder(),
  ];
  for (const forwarder of [first, second, third]) {
    table.addForwarder(REMOTE, forwarder);
    table.addForwarder(REMOTE, forwarder); // again is no news
  }
  const counts = async () => {
    await a.sendPacket(REMOTE, packetOf(5));
    await settle();
    return [first, second, third].map(({ forwarded }) => forwarded.length);
  };
  assertEquals(await counts(), [1, 0, 0]);
  table.removeForwarder(REMOTE, second);
  assertEquals(await counts(), [2, 0, 0]);
  table.removeForwarder(REMOTE, first);
  assertEquals(await counts(), [2, 0, 1]);
  table.removeForwarder(REMOTE, third);
  assertEquals(await counts(), [2, 0, 1]);
  assertEquals(relay.dropped("unknown_dest").packets, 1);
});

Deno.test("RelayTable tells who heard a remote key that it is gone when the last mesh peer loses it", async () => {
  await using relay = new TestRelay();
  const { table } = relay.relay;
  using a = await relay.connect({ key: testKey(2) });
  const [first, second] = [new FakeForwarder(), new FakeForwarder()];
  table.addForwarder(REMOTE, first);
  table.addForwarder(REMOTE, second);
  const session = table.lookUp(a.publicKey.bytes, 0)!.clients.active!;
  session.deliver(table.lookUp(REMOTE.bytes, 0)!, packetOf(3), 0, 3);
  await a.expectPacket();
  table.removeForwarder(REMOTE, first);
  await a.expectNone();
  table.removeForwarder(REMOTE, second);
  await a.expect(FrameType.PeerGone);
});

Deno.test("RelayTable counts keys here and elsewhere, each once", async () => {
  await using relay = new TestRelay();
  const { table } = relay.relay;
  const counts = () => [TOTAL, LOCAL, REMOTES].map((n) => relay.metric(n));
  const [first, second] = [new FakeForwarder(), new FakeForwarder()];
  table.addForwarder(REMOTE, first);
  assertEquals(counts(), [1, 0, 1]);
  table.addForwarder(REMOTE, second);
  assertEquals(counts(), [1, 0, 1]);
  using a = await relay.connect({ key: testKey(50) }); // comes here
  assertEquals(counts(), [1, 1, 0]);
  table.removeForwarder(REMOTE, first);
  table.removeForwarder(REMOTE, second);
  assertEquals(counts(), [1, 1, 0]);
  table.addForwarder(REMOTE, second);
  a.close();
  await settle();
  assertEquals(counts(), [1, 0, 1]);
  table.removeForwarder(REMOTE, second);
  assertEquals(counts(), [0, 0, 0]);
});

Deno.test("RelayTable counts keys with several mesh peers, and removals of what wasn't there", () => {
  const relay = new TestRelay();
  const { table } = relay.relay;
  const counts = () => [CREATED, DELETED, OTHER].map((n) => relay.metric(n));
  const [first, second, third] = [
    new FakeForwarder(),
    new FakeForwarder(),
    new FakeForwarder(),
  ];
  table.removeForwarder(REMOTE, first); // unknown key: derper doesn't count it
  assertEquals(counts(), [0, 0, 0]);
  table.addForwarder(REMOTE, first);
  table.removeForwarder(REMOTE, second);
  assertEquals(counts(), [0, 0, 1]);
  table.addForwarder(REMOTE, second);
  table.addForwarder(REMOTE, third);
  assertEquals(counts(), [1, 0, 1]);
  table.removeForwarder(REMOTE, third);
  assertEquals(counts(), [1, 0, 1]);
  table.removeForwarder(REMOTE, first);
  assertEquals(counts(), [1, 1, 1]);
  table.removeForwarder(REMOTE, second);
  assertEquals(counts(), [1, 1, 1]);
  assertEquals(relay.metric(TOTAL), 0);
});

Deno.test("RelayTable counts removals of forwarders as derper does where a key is local, or has several others", async () => {
  await using relay = new TestRelay();
  const { table } = relay.relay;
  using a = await relay.connect();
  table.removeForwarder(a.publicKey, new FakeForwarder());
  assertEquals(relay.metric(OTHER), 1);
  table.addForwarder(REMOTE, new FakeForwarder());
  table.addForwarder(REMOTE, new FakeForwarder());
  table.removeForwarder(REMOTE, new FakeForwarder());
  assertEquals(relay.metric(OTHER), 1);
});

Deno.test("RelayTable keeps nothing of a key that nobody has and nobody heard", async () => {
  await using relay = new TestRelay();
  const { table } = relay.relay;
  using a = await relay.connect();
  using b = await relay.connect();
  await a.sendPacket(b.publicKey, packetOf(1));
  await b.expectPacket();
  const forwarder = new FakeForwarder();
  table.addForwarder(REMOTE, forwarder);
  table.removeForwarder(REMOTE, forwarder);
  assertEquals(table.lookUp(REMOTE.bytes, 0), undefined);
  a.close();
  await settle();
  assertEquals(table.lookUp(a.publicKey.bytes, 0), undefined);
  assert(table.lookUp(b.publicKey.bytes, 0) !== undefined);
});
