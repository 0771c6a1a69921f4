/** How clients leave a relay that has time to stop. */
import { FrameType } from "../../../src/derp/frame.ts";
import { NodePrivate } from "../../../src/keys/node_key.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { testMeshKey } from "../../support/test_keys.ts";
import { TestRelay } from "../../support/test_relay.ts";

const STOPPING = "the relay is about to stop or restart";

async function connectMany(
  relay: TestRelay,
  count: number,
): Promise<TestClient[]> {
  const connect = () => relay.connect({ key: NodePrivate.generate() });
  return await Promise.all(Array.from({ length: count }, connect));
}

function clientsOf({ relay }: TestRelay): number {
  return [...relay.table.sessions()].filter((it) => !it.isMeshPeer).length;
}

/** Moves time on as timers would come; how many clients there are after each second. */
async function watch(relay: TestRelay, seconds: number): Promise<number[]> {
  const counts = [];
  for (let second = 0; second < seconds; second++) {
    for (let step = 0; step < 10; step++) await relay.clock.advance(100);
    await settle();
    counts.push(clientsOf(relay));
  }
  return counts;
}

Deno.test("Relay.endClients() ends them evenly, few ones too, and is done when none is left", async () => {
  for (
    const [count, after] of [
      [40, [36, 32, 28, 24, 20, 16, 12, 8, 4, 0]],
      [3, [3, 3, 3, 2, 2, 2, 1, 1, 1, 0]],
    ] as const
  ) {
    await using relay = new TestRelay();
    await connectMany(relay, count);
    const ended = relay.relay.endClients(10_000, relay.clock);
    const counts = await watch(relay, 10);
    for (const [second, clients] of counts.entries()) {
      assert(Math.abs(clients - after[second]!) <= 1, `${counts}`);
    }
    await relay.clock.advance(100);
    await ended;
    assertEquals(clientsOf(relay), 0);
  }
});

Deno.test("Relay.endClients() tells all at once that it stops, and each at its end that it may come back now", async () => {
  await using relay = new TestRelay();
  const clients = await connectMany(relay, 4);
  const ended = relay.relay.endClients(1_000, relay.clock);
  for (const client of clients) {
    const text = await client.expect(FrameType.Health);
    assertEquals(new TextDecoder().decode(text), STOPPING);
    await client.expectNone();
  }
  await watch(relay, 2);
  await ended;
  for (const client of clients) {
    const frames = await client.expectEnd();
    assertEquals(frames.map(({ type }) => type), [FrameType.Restarting]);
    assertEquals([...frames[0]!.payload.subarray(0, 4)], [0, 0, 0, 0]);
  }
});

Deno.test("Relay.endClients() relays between those who are left", async () => {
  await using relay = new TestRelay();
  const clients = await connectMany(relay, 4);
  const ended = relay.relay.endClients(10_000, relay.clock);
  await watch(relay, 4);
  const left = new Set([...relay.relay.table.sessions()]
    .map(({ route }) => route.key.hex()));
  const [a, b] = clients.filter((it) => left.has(it.publicKey.hex()));
  await a!.sendPacket(b!.publicKey, packetOf(100));
  await b!.expect(FrameType.Health);
  await b!.expectPacket();
  await watch(relay, 7);
  await ended;
});

Deno.test("Relay.endClients() ends those together who talk with each other", async () => {
  await using relay = new TestRelay();
  const clients = await connectMany(relay, 40);
  const partnerOf = (at: number) => clients[(at * 7 + 3) % 20 + 20]!;
  for (const [at, client] of clients.slice(0, 20).entries()) {
    await client.sendPacket(partnerOf(at).publicKey, packetOf(10));
  }
  await settle();
  const ended = relay.relay.endClients(10_000, relay.clock);
  for (let step = 0; step < 110; step++) {
    await relay.clock.advance(100);
    await settle();
    const left = new Set([...relay.relay.table.sessions()]
      .map(({ route }) => route.key.hex()));
    const apart = clients.slice(0, 20).filter((client, at) =>
      left.has(client.publicKey.hex()) !==
        left.has(partnerOf(at).publicKey.hex())
    );
    assert(apart.length <= 1, `${apart.length} pairs are apart`);
  }
  await ended;
});

Deno.test("Relay.endClients() leaves mesh peers, and ends who comes meanwhile", async () => {
  await using relay = new TestRelay({ meshKey: testMeshKey(1) });
  using peer = await relay.connect({ meshKey: testMeshKey(1) });
  await connectMany(relay, 2);
  const ended = relay.relay.endClients(2_000, relay.clock);
  await watch(relay, 1);
  using late = await relay.connect({ key: NodePrivate.generate() });
  await watch(relay, 2);
  await ended;
  const types = (await late.expectEnd()).map(({ type }) => type);
  assertEquals(types, [FrameType.Health, FrameType.Restarting]);
  await peer.expectNone();
  assertEquals([...relay.relay.table.sessions()].length, 1);
});

Deno.test("Relay.endClients() waits a little while, not longer, for who doesn't read", async () => {
  await using relay = new TestRelay({ writeTimeoutMs: 0 });
  using sender = await relay.connect({ key: NodePrivate.generate() });
  using stuck = await relay.connect({
    key: NodePrivate.generate(),
    pair: { bufferBytes: 100 },
  });
  await sender.sendPacket(stuck.publicKey, packetOf(1_000));
  await settle();
  const ended = relay.relay.endClients(1_000, relay.clock);
  await watch(relay, 2);
  await ended;
  assertEquals(clientsOf(relay), 0);
});
