/** KeepAlive, Ping, NotePreferred: what one connection is served besides packets. */
import { FrameType } from "../../../src/derp/frame.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { TestRelay } from "../../support/test_relay.ts";

const MOVES_IN = "derp_home_moves_in";
const MOVES_OUT = "derp_home_moves_out";
const AT_HOME = "derp_gauge_current_home_connections";

async function prefer(client: TestClient, value: number): Promise<void> {
  await client.send(FrameType.NotePreferred, Uint8Array.of(value));
  await settle();
}

Deno.test("Session sends a KeepAlive every 60 to 65 s, at times of its own", async () => {
  await using relay = new TestRelay();
  const clients: TestClient[] = [];
  for (let i = 0; i < 20; i++) clients.push(await relay.connect());
  const cameMs: number[][] = clients.map(() => []);
  for (const untilMs of [66_000, 131_000]) {
    await relay.clock.advance(untilMs - 12_000 - relay.clock.nowMs());
    while (relay.clock.nowMs() < untilMs) {
      await relay.clock.advance(500);
      for (const [i, client] of clients.entries()) {
        for (const { type } of await client.drain()) {
          assertEquals(type, FrameType.KeepAlive);
          cameMs[i]!.push(relay.clock.nowMs());
        }
      }
    }
  }
  for (const [first, second, third] of cameMs) {
    assert(first! > 60_000 - 1 && first! <= 65_500, `first after ${first} ms`);
    assert(Math.abs(second! - 2 * first!) <= 1000, "the jitter is drawn once");
    assertEquals(third, undefined);
  }
  assert(new Set(cameMs.map(([first]) => first)).size > 2, "all at once");
});

Deno.test("Session answers a Ping with its 8 bytes, however long it is", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  for (const bytes of [8, 9, 1000]) {
    await a.send(FrameType.Ping, packetOf(bytes));
    assertEquals(await a.expect(FrameType.Pong), packetOf(bytes).slice(0, 8));
  }
  assertEquals(relay.metric("derp_got_ping"), 3);
  assertEquals(relay.metric("derp_sent_pong"), 3);
});

Deno.test("Session counts who is at home here, until it leaves", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  assertEquals(relay.metric(AT_HOME), 0);
  await prefer(a, 1);
  await prefer(a, 1);
  await prefer(b, 255); // anything but 0, as in derper
  assertEquals(relay.metric(AT_HOME), 2);
  await prefer(b, 0);
  assertEquals(relay.metric(AT_HOME), 1);
  a.close();
  await settle();
  assertEquals(relay.metric(AT_HOME), 0);
});

Deno.test("Session counts a home announced within 5 s of connecting as no move", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  await prefer(a, 1);
  await relay.clock.advance(5000);
  await prefer(a, 0);
  assertEquals([relay.metric(MOVES_IN), relay.metric(MOVES_OUT)], [0, 0]);
  await relay.clock.advance(1);
  await prefer(a, 1);
  await prefer(a, 1);
  assertEquals([relay.metric(MOVES_IN), relay.metric(MOVES_OUT)], [1, 0]);
  await prefer(a, 0);
  assertEquals([relay.metric(MOVES_IN), relay.metric(MOVES_OUT)], [1, 1]);
});

Deno.test("Session counts connections that should be elsewhere", async () => {
  await using relay = new TestRelay();
  const gauge = "derp_gauge_current_notideal_connections";
  using a = await relay.connect({ notIdeal: true });
  using _b = await relay.connect();
  assertEquals(relay.metric(gauge), 1);
  assertEquals(relay.metric("derp_gauge_current_connections"), 2);
  a.close();
  await settle();
  assertEquals(relay.metric(gauge), 0);
  assertEquals(relay.metric("derp_gauge_current_connections"), 1);
});

Deno.test("Session lets others have their turn after 128 KiB of reading", async () => {
  let turns = 0;
  await using relay = new TestRelay({
    turn: {
      wait() {
        turns++;
        return Promise.resolve();
      },
    },
  });
  using a = await relay.connect();
  for (let i = 0; i < 40; i++) {
    await a.send(0x99 as FrameType, packetOf(16_384));
  }
  await settle();
  assertEquals(turns, 5); // 655,560 bytes
});

Deno.test("Session goes on where its turn took its time, and ends if its client left meanwhile", async () => {
  let turn = Promise.withResolvers<void>();
  await using relay = new TestRelay({ turn: { wait: () => turn.promise } });
  using a = await relay.connect({ pair: { bufferBytes: 1 << 20 } });
  await a.send(0x99 as FrameType, new Uint8Array(200_000));
  await a.sendPacket(a.publicKey, packetOf(7));
  await a.expectNone();
  const waiting = turn;
  turn = Promise.withResolvers();
  waiting.resolve();
  assertEquals((await a.expectPacket()).packet, packetOf(7));
  await a.send(0x99 as FrameType, new Uint8Array(200_000));
  a.close();
  await settle();
  turn.resolve();
  await settle();
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
});
