/** The table holds together through all that happens, and a fault in it is found. */
import { FrameType } from "../../../src/derp/frame.ts";
import type { RelayTable } from "../../../src/relay/relay_table.ts";
import type { Session } from "../../../src/relay/session.ts";
import { assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";
import { TestRelay } from "../../support/test_relay.ts";

const MESH = { meshKey: testMeshKey(1) };
const REMOTE = testKey(81).publicKey;

function firstSession(table: RelayTable): Session {
  return table.sessions().next().value!;
}

Deno.test("RelayTable.checkConsistency() finds nothing, whatever clients do", async () => {
  await using relay = new TestRelay(MESH);
  const { table } = relay.relay;
  const check = async () => {
    await settle();
    assertEquals(table.checkConsistency(), []);
  };
  await check();
  const a = await relay.connect();
  const b = await relay.connect({ notIdeal: true });
  const twin = await relay.connect({ key: b.key });
  const peer = await relay.connect(MESH);
  await check();
  await a.send(FrameType.NotePreferred, Uint8Array.of(1));
  await peer.send(FrameType.WatchConns);
  await a.sendPacket(b.publicKey, packetOf(10));
  await b.sendPacket(a.publicKey, packetOf(10));
  await peer.send(
    FrameType.ForwardPacket,
    REMOTE.bytes,
    a.publicKey.bytes,
    packetOf(10),
  );
  await check();
  const forwarder = { forwardPacket() {} };
  table.addForwarder(REMOTE, forwarder);
  table.addForwarder(b.publicKey, forwarder);
  await check();
  twin.close();
  await check();
  a.close();
  await check();
  table.removeForwarder(REMOTE, forwarder);
  b.close();
  peer.close();
  await check();
  table.removeForwarder(b.publicKey, forwarder);
  await check();
  assertEquals([...table.sessions()], []);
});

Deno.test("RelayTable.checkConsistency() finds each gauge that is off", async () => {
  await using relay = new TestRelay();
  const { table, metrics } = relay.relay;
  using _client = await relay.connect();
  for (
    const name of [
      "currentConnections",
      "currentHomeConnections",
      "currentNotIdealConnections",
      "clientsLocal",
      "clientsTotal",
      "currentDupClientKeys",
      "currentDupClientConns",
      "watchers",
    ] as const
  ) {
    const right = metrics[name];
    metrics[name] = 9;
    assertEquals(table.checkConsistency(), [
      `${name} is 9, but the table has ${right}`,
    ]);
    metrics[name] = right;
  }
});

Deno.test("RelayTable.checkConsistency() finds references that lead nowhere", async () => {
  await using relay = new TestRelay(MESH);
  const { table } = relay.relay;
  using a = await relay.connect();
  using b = await relay.connect();
  await a.sendPacket(b.publicKey, packetOf(10));
  await settle();
  const source = table.routeOf(a.publicKey);
  const hearer = [...source.hearers][0]!;
  source.hearers.delete(hearer);
  assertEquals(table.checkConsistency(), [
    "1 × connection that wouldn't be told of a leaving key",
  ]);
  source.hearers.add(hearer);
  hearer.heard.delete(source);
  assertEquals(table.checkConsistency(), [
    "1 × key whose leaving would be told to the wrong connection",
  ]);
  hearer.heard.add(source);
  assertEquals(table.checkConsistency(), []);
  table.routeOf(REMOTE);
  table.routeOf(testKey(82).publicKey);
  assertEquals(table.checkConsistency(), ["2 × key that is kept for nothing"]);
});

Deno.test("RelayTable.checkConsistency() finds a connection under another's key", async () => {
  await using relay = new TestRelay();
  const { table } = relay.relay;
  using _a = await relay.connect();
  using b = await relay.connect();
  const stray = firstSession(table);
  const route = table.routeOf(b.publicKey);
  route.clients.add(stray);
  stray.route.clients.remove(stray);
  assertEquals(table.checkConsistency().toSorted().slice(0, 2), [
    "1 × connection that is registered under another key",
    "1 × key that is kept for nothing",
  ]);
  stray.route.clients.add(stray);
  route.clients.remove(stray);
});
