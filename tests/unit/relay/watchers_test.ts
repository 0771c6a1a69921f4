/** What mesh peers are told of who is connected. */
import { FRAME_HEADER_BYTES, FrameType } from "../../../src/derp/frame.ts";
import { encodePeerPresent, WATCH_CONNS } from "../../../src/derp/messages.ts";
import type { NodePublic } from "../../../src/keys/node_key.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import type { Frame, TestClient } from "../../support/test_client.ts";
import { type ConnectOptions, TestRelay } from "../../support/test_relay.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

const MESH = { meshKey: testMeshKey(1) };
const REGULAR = 1;
const MESH_PEER = 2;
const PROBER = 4;
const NOT_IDEAL = 8;

/** A mesh peer that has asked for presence and was told of what is `known`. */
async function watch(
  relay: TestRelay,
  options: ConnectOptions = {},
): Promise<{ watcher: TestClient; known: string[] }> {
  const watcher = await relay.connect({ ...MESH, ...options });
  await watcher.write(WATCH_CONNS);
  return { watcher, known: texts(await watcher.drain()) };
}

/** Frames as type and payload in hexadecimal. */
function texts(frames: readonly Frame[]): string[] {
  return frames.map(({ type, payload }) => `${type}:${toHex(payload)}`).sort();
}

/** The text of a PeerPresent for a client. */
function present(
  key: NodePublic,
  { ip = "198.51.100.7", port = 40_000, flags = REGULAR } = {},
): string {
  const frame = encodePeerPresent({ key, ip, port, flags });
  return `9:${toHex(frame.subarray(FRAME_HEADER_BYTES))}`;
}

/** The text of a PeerGone that a watcher gets. */
function gone(key: NodePublic): string {
  return `8:${key.hex()}00`;
}

Deno.test("RelayTable.watch() tells a mesh peer of all that are here, itself too, with address and flags", async () => {
  await using relay = new TestRelay(MESH);
  const addresses: [ConnectOptions, number][] = [
    [{}, REGULAR],
    [{ isProber: true }, PROBER],
    [{ notIdeal: true }, NOT_IDEAL],
    [{ isProber: true, notIdeal: true }, PROBER | NOT_IDEAL],
    [MESH, MESH_PEER],
  ];
  const expected: string[] = [];
  for (const [i, [options, flags]] of addresses.entries()) {
    const address = i % 2 === 0
      ? { ip: `192.0.2.${i}`, port: 1000 + i }
      : { ip: `2001:db8::${i}`, port: 65_000 + i };
    const client = await relay.connect({
      ...options,
      pair: { clientAddress: address },
    });
    expected.push(present(client.publicKey, { ...address, flags }));
  }
  const { watcher, known } = await watch(relay);
  expected.push(present(watcher.publicKey, { flags: MESH_PEER }));
  assertEquals(known, expected.sort());
  assertEquals(relay.metric("derp_gauge_watchers"), 1);
});

Deno.test("RelayTable.watch() tells of who comes and goes, in order", async () => {
  await using relay = new TestRelay(MESH);
  const { watcher } = await watch(relay);
  using a = await relay.connect({ isProber: true });
  assertEquals(texts(await watcher.drain()), [
    present(a.publicKey, { flags: PROBER }),
  ]);
  a.close();
  await settle();
  using b = await relay.connect();
  b.close();
  await settle();
  const frames = (await watcher.drain()).map((frame) => texts([frame])[0]);
  assertEquals(frames, [
    gone(a.publicKey),
    present(b.publicKey),
    gone(b.publicKey),
  ]);
  assertEquals(relay.metric("derp_peer_gone_disconnected_frames"), 2);
});

Deno.test("RelayTable.watch() tells of each connection of a key, and that it left after the last", async () => {
  await using relay = new TestRelay(MESH);
  const { watcher } = await watch(relay);
  const key = testKey(9);
  const at = (port: number) => ({ ip: "192.0.2.1", port });
  const dups: TestClient[] = [];
  for (const port of [1, 2]) {
    dups.push(await relay.connect({ key, pair: { clientAddress: at(port) } }));
    assertEquals(texts(await watcher.drain()), [
      present(key.publicKey, at(port)),
    ]);
  }
  const later = await watch(relay); // hears of the active one alone
  assertEquals(
    later.known.filter((text) => text.includes(key.publicKey.hex())),
    [present(key.publicKey, at(2))],
  );
  await watcher.drain();
  dups[1]!.close();
  await watcher.expectNone();
  dups[0]!.close();
  assertEquals(texts(await watcher.drain()), [gone(key.publicKey)]);
});

Deno.test("RelayTable.watch() serves several watchers, and forgets them when they leave", async () => {
  await using relay = new TestRelay(MESH);
  const first = await watch(relay);
  const second = await watch(relay);
  assertEquals(relay.metric("derp_gauge_watchers"), 2);
  assertEquals(texts(await first.watcher.drain()), [
    present(second.watcher.publicKey, { flags: MESH_PEER }),
  ]);
  second.watcher.close();
  assertEquals(texts(await first.watcher.drain()), [
    gone(second.watcher.publicKey),
  ]);
  assertEquals(relay.metric("derp_gauge_watchers"), 1);
  using _a = await relay.connect();
  assertEquals((await first.watcher.drain()).length, 1);
  first.watcher.close();
  await settle();
  assertEquals(relay.metric("derp_gauge_watchers"), 0);
});

Deno.test("RelayTable.watch() asked twice tells all again, and of changes once", async () => {
  await using relay = new TestRelay(MESH);
  const { watcher, known } = await watch(relay);
  await watcher.write(WATCH_CONNS);
  assertEquals(texts(await watcher.drain()), known);
  using a = await relay.connect();
  assertEquals(texts(await watcher.drain()), [present(a.publicKey)]);
  assertEquals(relay.metric("derp_gauge_watchers"), 1);
});

Deno.test("RelayTable.watch() ignores a watcher with the relay's own key", async () => {
  await using relay = new TestRelay(MESH);
  const { watcher, known } = await watch(relay, { key: testKey(1) });
  assertEquals(known, []);
  using _a = await relay.connect();
  await watcher.expectNone();
  assertEquals(relay.metric("derp_gauge_watchers"), 0);
  await watcher.send(FrameType.Ping, new Uint8Array(8)); // it may stay
  await watcher.expect(FrameType.Pong);
});

Deno.test("RelayTable.watch() says nothing of keys that other relays have", async () => {
  await using relay = new TestRelay(MESH);
  const { watcher } = await watch(relay);
  const remote = testKey(50).publicKey;
  const forwarder = { forwardPacket() {} };
  relay.relay.table.addForwarder(remote, forwarder);
  await watcher.expectNone();
  const later = await watch(relay);
  assertEquals(later.known.filter((text) => text.includes(remote.hex())), []);
  await watcher.drain();
  relay.relay.table.removeForwarder(remote, forwarder);
  await watcher.expectNone();
});

Deno.test("RelayTable.watch() floods a watcher of many clients whole", async () => {
  await using relay = new TestRelay(MESH);
  const keys: string[] = [];
  for (let i = 10; i < 210; i++) {
    keys.push((await relay.connect({ key: testKey(i) })).publicKey.hex());
  }
  const { watcher, known } = await watch(relay, { key: testKey(2) });
  assertEquals(
    known.map((text) => text.slice(2, 66)),
    [...keys, watcher.publicKey.hex()].sort(),
  );
  const batch = "derp_counter_mesh_update_batch_size";
  assertEquals(relay.metric(`${batch}_count`), 1);
  assertEquals(relay.metric(`${batch}_sum`), 201);
  assertEquals(relay.metric(`${batch}_bucket{le="200"}`), 0);
  assertEquals(relay.metric(`${batch}_bucket{le="500"}`), 1);
});
