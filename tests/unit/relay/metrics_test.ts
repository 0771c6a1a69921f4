/** Every metric has derper's name, and something moves it. */
import { FrameType } from "../../../src/derp/frame.ts";
import { RelayMetrics } from "../../../src/relay/metrics.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

const MESH = { meshKey: testMeshKey(1) };
const ABSENT = testKey(80).publicKey;
const REMOTE = testKey(81).publicKey;

/** derper's names that are no business of the relay's counters. */
const NOT_OURS: Record<string, string> = {
  derp_current_file_descriptors: "of the process, not of the relay",
  derp_memstats_sys0: "of Go's memory",
};

/** Names that stay 0, and why. */
const CANNOT_MOVE: [RegExp, string][] = [
  [/reason="queue_tail"/, "a full queue always drops its oldest packet"],
  [/reason="dup_client"/, "one connection of a key is always active"],
  [/_bucket\{le="0"\}/, "no write, batch or loop is of nothing"],
];

Deno.test("RelayMetrics.snapshot() has exactly derper's names", async () => {
  const file = new URL("../../golden/derper_varz_names.txt", import.meta.url);
  const lines = (await Deno.readTextFile(file)).trim().split("\n");
  const theirs = lines.filter((line) => !line.startsWith("#"))
    .filter((name) => !(name in NOT_OURS));
  const ours = Object.keys(new RelayMetrics().snapshot()).map((name) =>
    name.replace(/^derp_(gauge|counter)_/, "derp_") // as the page cuts it off
  );
  assertEquals(ours.toSorted(), theirs.toSorted());
});

Deno.test("RelayMetrics.snapshot() begins with zeros", () => {
  const values = Object.values(new RelayMetrics().snapshot());
  assert(values.length > 100);
  assert(values.every((value) => value === 0));
});

/** Steps that together move every metric. */
class Scenario {
  readonly relay = new TestRelay(MESH);
  readonly moved = new Set<string>();

  /** Notes what is not 0 now. */
  async note(): Promise<void> {
    await settle();
    const values = this.relay.relay.metrics.snapshot();
    for (const [name, value] of Object.entries(values)) {
      if (value !== 0) this.moved.add(name);
    }
  }

  async connections(a: TestClient): Promise<void> {
    this.relay.accept({}, { isWebSocket: true }).client.close();
    using twin = await this.relay.connect({ key: a.key, notIdeal: true });
    await twin.send(FrameType.NotePreferred, Uint8Array.of(1));
    await this.note();
    twin.close();
    await a.send(FrameType.NotePreferred, Uint8Array.of(1));
    await a.send(FrameType.NotePreferred, Uint8Array.of(0));
    await a.send(FrameType.Ping, new Uint8Array(8));
    await a.send(0x99 as FrameType);
    await this.note();
  }

  async packets(a: TestClient, b: TestClient, peer: TestClient): Promise<void> {
    await peer.send(FrameType.WatchConns);
    for (const packet of [packetOf(10), discoPacket(70)]) {
      await a.sendPacket(b.publicKey, packet);
      await a.sendPacket(ABSENT, packet);
      await peer.send(
        FrameType.ForwardPacket,
        ABSENT.bytes,
        ABSENT.bytes,
        packet,
      );
    }
    await this.note();
    await a.drain();
    a.close(); // b has heard of it, and the peer watches
    await this.note();
  }

  async forwarders(b: TestClient): Promise<void> {
    const { table } = this.relay.relay;
    const [first, second] = [{ forwardPacket() {} }, { forwardPacket() {} }];
    table.addForwarder(REMOTE, first);
    await b.sendPacket(REMOTE, packetOf(10));
    await this.note();
    table.removeForwarder(REMOTE, second);
    table.addForwarder(REMOTE, second);
    table.removeForwarder(REMOTE, first);
    await this.note();
  }

  /** A client that takes 1,000 bytes and then nothing for too long. */
  async sleeper(b: TestClient): Promise<void> {
    const pair = { bufferBytes: 1000 };
    using sleeper = await this.relay.connect({ pair });
    const asleep = sleeper.publicKey;
    for (const packet of [packetOf(10_000), discoPacket(10_000)]) {
      for (let i = 0; i < 60; i++) await b.sendPacket(asleep, packet);
      await this.note();
    }
    await this.relay.clock.advance(2000);
    await this.note();
    using disco = await this.relay.connect({ pair });
    await b.sendPacket(disco.publicKey, discoPacket(10_000)); // under way
    await settle();
    disco.close();
    await this.note();
    using late = await this.relay.connect();
    await b.sendPacket(late.publicKey, packetOf(10));
    await settle();
    await this.note();
  }

  /** A queue that ages. */
  async age(b: TestClient): Promise<void> {
    using slow = await this.relay.connect({ pair: { bufferBytes: 200 } });
    await b.sendPacket(slow.publicKey, packetOf(150));
    await b.sendPacket(slow.publicKey, packetOf(150));
    await this.relay.clock.advance(10);
    await b.sendPacket(slow.publicKey, packetOf(150));
    await this.relay.clock.advance(10);
    for (let i = 0; i < 3; i++) await slow.expectPacket();
    await this.note();
  }
}

Deno.test("RelayMetrics has no name that nothing moves", async () => {
  const scenario = new Scenario();
  await using relay = scenario.relay;
  using a = await relay.connect();
  using b = await relay.connect({ pair: { bufferBytes: 4 << 20 } });
  using peer = await relay.connect(MESH);
  await relay.clock.advance(5001); // a change of home counts from now on
  await scenario.connections(a);
  await scenario.packets(a, b, peer);
  await scenario.forwarders(b);
  await scenario.age(b);
  await scenario.sleeper(b);
  const still = Object.keys(relay.relay.metrics.snapshot())
    .filter((name) => !scenario.moved.has(name));
  const reasonOf = (name: string) =>
    CANNOT_MOVE.find(([pattern]) => pattern.test(name))?.[1];
  assertEquals(still.filter((name) => reasonOf(name) === undefined), []);
  const never = Object.keys(relay.relay.metrics.snapshot())
    .filter((name) => reasonOf(name) !== undefined);
  assertEquals(never.filter((name) => scenario.moved.has(name)), []);
});
