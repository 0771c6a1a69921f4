/** What sessions hear before the relay stops, and how long it waits for them. */
import { FrameType } from "../../../src/derp/frame.ts";
import { NodePrivate } from "../../../src/keys/node_key.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { testMeshKey } from "../../support/test_keys.ts";
import { TestRelay } from "../../support/test_relay.ts";

/** What has come: texts of Health frames, times of Restarting frames. */
async function heard(client: TestClient): Promise<unknown[]> {
  return (await client.drain()).map(({ type, payload }) => {
    if (type === FrameType.Health) return new TextDecoder().decode(payload);
    if (type !== FrameType.Restarting) return type;
    const view = new DataView(payload.buffer, payload.byteOffset, 8);
    return [view.getUint32(0), view.getUint32(4)];
  });
}

Deno.test("Relay.farewell() tells every client Health and Restarting, and is done when that is written", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  const before = relay.clock.pending;
  await relay.relay.farewell();
  assertEquals(relay.clock.pending, before);
  for (const client of [a, b]) {
    const [text, restarting, ...rest] = await heard(client);
    assertEquals([text, rest], ["the relay is about to stop or restart", []]);
    const [reconnectInMs, tryForMs] = restarting as [number, number];
    assert(reconnectInMs < 1_000);
    assertEquals(tryForMs, 5_000);
  }
});

Deno.test("Relay.farewell() says what else is wrong, also to who was told within the minute", async () => {
  await using relay = new TestRelay();
  using client = await relay.connect();
  relay.relay.notices.report("certificate", "its certificate has expired");
  await relay.relay.farewell();
  const texts = (await heard(client)).filter((it) => typeof it === "string");
  assertEquals(texts, [
    "its certificate has expired",
    "its certificate has expired; the relay is about to stop or restart",
  ]);
});

Deno.test("Relay.farewell() spreads the reconnects of many over a longer time", async () => {
  await using relay = new TestRelay();
  const clients = await Promise.all(
    Array.from(
      { length: 3_000 },
      () => relay.connect({ key: NodePrivate.generate() }),
    ),
  );
  await relay.relay.farewell();
  const waits = [];
  for (const client of clients) {
    await client.expect(FrameType.Health);
    const payload = await client.expect(FrameType.Restarting);
    waits.push(new DataView(payload.buffer, payload.byteOffset).getUint32(0));
  }
  assert(Math.max(...waits) < 3_000);
  for (const second of [0, 1, 2]) {
    const inIt = waits.filter((ms) => Math.floor(ms / 1000) === second);
    assert(inIt.length > 800 && inIt.length < 1_200, `${inIt.length}`);
  }
});

Deno.test("Relay.farewell() tells mesh peers and probers Restarting alone", async () => {
  await using relay = new TestRelay({ meshKey: testMeshKey(1) });
  using peer = await relay.connect({ meshKey: testMeshKey(1) });
  using prober = await relay.connect({ isProber: true });
  await relay.relay.farewell();
  for (const client of [peer, prober]) {
    const frames = await client.drain();
    assertEquals(frames.map(({ type }) => type), [FrameType.Restarting]);
  }
});

Deno.test("Relay.farewell() with no session takes no time and no timer", async () => {
  await using relay = new TestRelay();
  const done = relay.relay.farewell();
  assertEquals(relay.clock.pending, 0);
  await done;
});

Deno.test("Relay.farewell() waits 250 ms for who doesn't read, not longer", async () => {
  await using relay = new TestRelay({ writeTimeoutMs: 0 });
  using sender = await relay.connect();
  using stuck = await relay.connect({ pair: { bufferBytes: 100 } });
  await sender.sendPacket(stuck.publicKey, packetOf(1_000));
  await settle();
  let isDone = false;
  const done = relay.relay.farewell().then(() => isDone = true);
  await relay.clock.advance(249);
  assert(!isDone);
  await relay.clock.advance(1);
  assert(isDone);
  await done;
});

Deno.test("Relay.farewell() doesn't wait for who leaves meanwhile", async () => {
  await using relay = new TestRelay({ writeTimeoutMs: 0 });
  using sender = await relay.connect();
  using stuck = await relay.connect({ pair: { bufferBytes: 100 } });
  await sender.sendPacket(stuck.publicKey, packetOf(1_000));
  await settle();
  const done = relay.relay.farewell();
  stuck.close();
  await done;
  assertEquals(relay.clock.nowMs(), 0);
});
