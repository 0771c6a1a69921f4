/** A link to another relay: what we learn over it, what we send over it, and how it ends. */
import { FrameType } from "../../../src/derp/frame.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";
import { TestLink } from "../../support/test_link.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

const TOTAL = "derp_gauge_clients_total";
const REMOTE = "derp_gauge_clients_remote";
const RETRY_MS = 5000;

Deno.test("MeshLink learns who is at the other relay, and who comes and goes", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  assertEquals(local.metric(REMOTE), 1); // our own key: we are its client
  using a = await remote.connect();
  await settle();
  assertEquals(local.metric(REMOTE), 2);
  using _twin = await remote.connect({ key: a.key });
  await settle();
  assertEquals(local.metric(REMOTE), 2);
  a.close();
  await settle();
  assertEquals(local.metric(REMOTE), 2);
  _twin.close();
  await settle();
  assertEquals(local.metric(REMOTE), 1);
});

Deno.test("MeshLink learns of all that were at the other relay before", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  const clients = [];
  for (let i = 0; i < 100; i++) clients.push(await remote.connect());
  mesh.dialled[0]!.reset();
  await mesh.clock.advance(RETRY_MS);
  assertEquals(local.metric(REMOTE), 101);
});

Deno.test("MeshLink forwards packets of our clients to clients of the other relay, of any size", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  using a = await local.connect({ key: testKey(10) });
  using b = await remote.connect({ key: testKey(20) });
  await settle();
  for (const packet of [packetOf(0), packetOf(1400), packetOf(65_536)]) {
    await a.sendPacket(b.publicKey, packet);
    const received = await b.expectPacket();
    assertEquals(received, { source: a.publicKey.hex(), packet });
  }
  await a.sendPacket(b.publicKey, discoPacket(100));
  assertEquals((await b.expectPacket()).packet, discoPacket(100));
  assertEquals(local.metric("derp_packets_forwarded_out"), 4);
  assertEquals(local.metric("derp_packets_sent"), 0);
  assertEquals(remote.metric("derp_packets_forwarded_in"), 4);
  assertEquals(remote.metric("derp_packets_sent"), 4);
});

Deno.test("MeshLink goes one way: the other relay needs a link of its own to answer", async () => {
  await using mesh = await TestLink.start();
  using a = await mesh.local.connect({ key: testKey(10) });
  using b = await mesh.remote.connect({ key: testKey(20) });
  await b.sendPacket(a.publicKey, packetOf(5));
  await a.expectNone();
  assertEquals(mesh.remote.dropped("unknown_dest").packets, 1);
});

Deno.test("MeshLink tells our clients when who sent to them leaves the other relay", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  using a = await local.connect({ key: testKey(10) });
  using b = await remote.connect({ key: testKey(20) });
  using peer = await local.connect({
    key: testKey(200),
    meshKey: testMeshKey(1),
  });
  await settle();
  await peer.send(
    FrameType.ForwardPacket,
    b.publicKey.bytes,
    a.publicKey.bytes,
    packetOf(3),
  );
  await a.expectPacket();
  b.close();
  await settle();
  const gone = await a.expect(FrameType.PeerGone);
  assertEquals([...gone], [...b.publicKey.bytes, 0]);
});

Deno.test("MeshLink takes back a key that the other relay says is not there", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  using a = await local.connect({ key: testKey(10) });
  const absent = testKey(99).publicKey;
  local.relay.table.addForwarder(absent, mesh.link); // wrong, or out of date
  await a.sendPacket(absent, discoPacket(80));
  await settle();
  assertEquals(remote.dropped("unknown_dest_on_fwd", "disco").packets, 1);
  await a.expectNone();
  await a.sendPacket(absent, discoPacket(80));
  const gone = await a.expect(FrameType.PeerGone);
  assertEquals([...gone], [...absent.bytes, 1]);
});

Deno.test("MeshLink forgets all keys of a connection that broke, and tells who heard them", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  using a = await local.connect({ key: testKey(10) });
  using b = await remote.connect({ key: testKey(20) });
  using peer = await local.connect({
    key: testKey(200),
    meshKey: testMeshKey(1),
  });
  await settle();
  await peer.send(
    FrameType.ForwardPacket,
    b.publicKey.bytes,
    a.publicKey.bytes,
    packetOf(3),
  );
  await a.expectPacket();
  mesh.dialled[0]!.reset();
  await settle();
  await a.expect(FrameType.PeerGone);
  assertEquals(local.metric(REMOTE), 0);
  await a.sendPacket(b.publicKey, packetOf(5));
  await a.expectNone();
  assertEquals(local.dropped("unknown_dest").packets, 1);
});

Deno.test("MeshLink takes back nothing twice when a connection breaks", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  using b = await remote.connect({ key: testKey(20) });
  await settle();
  b.close();
  await settle();
  using _here = await local.connect({ key: testKey(20) }); // has moved to us
  mesh.dialled[0]!.reset();
  await settle();
  assertEquals(local.metric("derp_packet_forwarder_delete_other_value"), 0);
  assertEquals(local.metric(TOTAL), 1);
});

Deno.test("MeshLink comes back 5 s after a connection ended, however it ended, for ever", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  using _b = await remote.connect({ key: testKey(20) });
  for (let i = 0; i < 4; i++) {
    await settle();
    assertEquals(local.metric(REMOTE), 2);
    if (i % 2 === 0) mesh.dialled[i]!.reset();
    else {remote.relay.table.lookUp(testKey(1).publicKey.bytes, 0)!.clients
        .active!.writer.close();}
    await settle();
    assertEquals(local.metric(REMOTE), 0);
    await mesh.clock.advance(RETRY_MS - 1);
    assertEquals(mesh.dials, i + 1);
    await mesh.clock.advance(1);
    assertEquals(mesh.dials, i + 2);
  }
});

Deno.test("MeshLink tries again every 5 s while nobody answers", async () => {
  await using mesh = await TestLink.start();
  mesh.answer = () => Promise.reject(new Error("Connection refused"));
  mesh.dialled[0]!.reset();
  await mesh.clock.advance(10 * RETRY_MS);
  assertEquals(mesh.dials, 11);
  mesh.answer = () => mesh.connect();
  await mesh.clock.advance(RETRY_MS);
  assertEquals(mesh.local.metric(REMOTE), 1);
});

Deno.test("MeshLink uses another link to a key when one goes", async () => {
  await using mesh = await TestLink.start();
  const { local, remote } = mesh;
  using a = await local.connect({ key: testKey(10) });
  using b = await remote.connect({ key: testKey(20) });
  await settle();
  let forwarded = 0;
  const other = { forwardPacket: () => forwarded++ };
  local.relay.table.addForwarder(b.publicKey, other);
  await a.sendPacket(b.publicKey, packetOf(5));
  await b.expectPacket();
  assertEquals(forwarded, 0);
  mesh.dialled[0]!.reset();
  await settle();
  await a.sendPacket(b.publicKey, packetOf(5));
  await settle();
  assertEquals(forwarded, 1);
  await mesh.clock.advance(RETRY_MS); // back, and now the second choice
  await a.sendPacket(b.publicKey, packetOf(5));
  await b.expectNone();
  assertEquals(forwarded, 2);
  local.relay.table.removeForwarder(b.publicKey, other);
  await a.sendPacket(b.publicKey, packetOf(5));
  await b.expectPacket();
  assertEquals(local.metric("derp_multiforwarder_created"), 2);
  assertEquals(local.metric("derp_multiforwarder_deleted"), 2);
});

Deno.test("MeshLink stops for good where it finds its own relay", async () => {
  await using mesh = await TestLink.start({ remoteKey: testKey(1) });
  await settle();
  assert(mesh.hasEnded);
  assertEquals(mesh.clock.pending, 0);
  assertEquals(mesh.dialled.map(({ closed }) => closed), [true]);
  assertEquals(mesh.remote.metric("derp_gauge_current_connections"), 0);
  await mesh.clock.advance(100_000);
  assertEquals(mesh.dials, 1);
});

Deno.test("MeshLink stays up on KeepAlives alone", async () => {
  await using mesh = await TestLink.start();
  await mesh.clock.advance(3_600_000);
  assertEquals(mesh.dials, 1);
});

Deno.test("MeshLink answers a Ping and ignores frames that it doesn't know", async () => {
  await using mesh = await TestLink.start();
  const { writer } = mesh.remote.relay.table
    .lookUp(testKey(1).publicKey.bytes, 0)!.clients.active!;
  writer.sendControl(
    Uint8Array.from([FrameType.Health, 0, 0, 0, 2, 0x68, 0x69]),
  );
  writer.sendControl(Uint8Array.from([0x99, 0, 0, 0, 1, 0]));
  writer.sendControl(
    Uint8Array.from([FrameType.Ping, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
  );
  await settle();
  assertEquals(mesh.remote.metric("derp_unknown_frames"), 1); // the Pong
  assertEquals(mesh.dials, 1);
});

Deno.test("two relays linked both ways carry packets both ways", async () => {
  await using ab = await TestLink.start();
  const { local: a, remote: b } = ab;
  await using _ba = await TestLink.start({ between: [b, a] });
  using x = await a.connect({ key: testKey(10) });
  using y = await b.connect({ key: testKey(20) });
  await settle();
  for (let i = 0; i < 10; i++) {
    await x.sendPacket(y.publicKey, packetOf(100, i));
    assertEquals((await y.expectPacket()).packet, packetOf(100, i));
    await y.sendPacket(x.publicKey, packetOf(200, i));
    assertEquals((await x.expectPacket()).packet, packetOf(200, i));
  }
  assertEquals([a.metric(TOTAL), b.metric(TOTAL)], [4, 4]);
  y.close();
  await x.expect(FrameType.PeerGone);
});
