/** A client that stops reading costs itself packets and then its connection, and nobody else anything. */
import { FrameType } from "../../../src/derp/frame.ts";
import { encodeFrame } from "../../../src/derp/messages.ts";
import { concatBytes, equalBytes } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { settle } from "../../support/fake_clock.ts";
import {
  discoPacket,
  numberedPacket,
  packetNumber,
  packetOf,
} from "../../support/packets.ts";
import type { TestClient } from "../../support/test_client.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testMeshKey } from "../../support/test_keys.ts";

const PACKET_BYTES = 1400;
/** What a session may let wait, plus one write under way and the frames around. */
const BOUND_BYTES = 600 * 1024;

/** Sends so many numbered packets in a few writes. */
async function flood(
  from: TestClient,
  to: TestClient,
  count: number,
): Promise<void> {
  for (let n = 0; n < count;) {
    const frames: Uint8Array[] = [];
    for (; frames.length < 40 && n < count; n++) {
      const packet = numberedPacket(n, PACKET_BYTES);
      frames.push(
        encodeFrame(FrameType.SendPacket, to.publicKey.bytes, packet),
      );
    }
    await from.write(concatBytes(...frames));
  }
  await settle();
}

Deno.test("Relay lets a bounded number of packets wait for who doesn't read, and drops the oldest", async () => {
  await using relay = new TestRelay({ writeTimeoutMs: 0 });
  using sender = await relay.connect();
  using sleeper = await relay.connect({ pair: { bufferBytes: 4096 } });
  await flood(sender, sleeper, 2000);
  const dropped = relay.dropped("queue_head");
  assertEquals(dropped.bytes, dropped.packets * PACKET_BYTES);
  const waiting = (2000 - dropped.packets) * (PACKET_BYTES + 37);
  assert(waiting <= BOUND_BYTES, `${waiting}`);
  assert(dropped.packets > 1000);
  // When it reads again, it gets the newest, whole and in order.
  let last = -1;
  for (let i = 0; i < 2000 - dropped.packets; i++) {
    const { packet } = await sleeper.expectPacket();
    const n = packetNumber(packet);
    assert(n > last && equalBytes(packet, numberedPacket(n, PACKET_BYTES)));
    last = n;
  }
  assertEquals(last, 1999);
  await sleeper.expectNone();
});

Deno.test("Relay serves others as before while one doesn't read", async () => {
  await using relay = new TestRelay();
  using sender = await relay.connect();
  using sleeper = await relay.connect({ pair: { bufferBytes: 4096 } });
  using other = await relay.connect();
  await flood(sender, sleeper, 1000);
  for (let i = 0; i < 20; i++) {
    await sender.sendPacket(other.publicKey, packetOf(100, i));
    assertEquals((await other.expectPacket()).packet, packetOf(100, i));
  }
  await sender.send(FrameType.Ping, new Uint8Array(8));
  await sender.expect(FrameType.Pong);
});

Deno.test("Relay delivers disco packets to a flooded client, past the packets that wait", async () => {
  await using relay = new TestRelay({ writeTimeoutMs: 0 });
  using sender = await relay.connect();
  using sleeper = await relay.connect({ pair: { bufferBytes: 4096 } });
  await flood(sender, sleeper, 1000);
  await sender.sendPacket(sleeper.publicKey, discoPacket(100));
  await settle();
  let ahead = 0;
  for (; (await sleeper.expectPacket()).packet[0] !== 0x54; ahead++);
  assert(ahead < 50, `${ahead} packets were ahead of it`);
  assertEquals(relay.dropped("queue_head", "disco").packets, 0);
});

Deno.test("Relay closes a client that takes nothing for the write timeout, with one line", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay();
  using sender = await relay.connect();
  for (let i = 0; i < 3; i++) {
    using sleeper = await relay.connect({
      pair: {
        bufferBytes: 4096,
        clientAddress: { ip: "203.0.113.9", port: 1 },
      },
    });
    await flood(sender, sleeper, 100);
    await relay.clock.advance(1999);
    assertEquals(relay.metric("derp_gauge_current_connections"), 2);
    await relay.clock.advance(1);
    assertEquals(relay.metric("derp_gauge_current_connections"), 1);
  }
  assertEquals(relay.metric("derp_sclient_write_timeouts"), 3);
  const lost = relay.dropped("write_error").packets +
    relay.dropped("gone_disconnected").packets +
    relay.dropped("queue_head").packets;
  assertEquals(lost + relay.metric("derp_packets_sent"), 300);
  assertEquals(log.lines.length, 1);
  assertMatch(
    log.lines[0]!,
    /closed a client that reads too slowly, from 203\.0\.113\.9: it took nothing for 2000 ms$/,
  );
});

Deno.test("Relay keeps a client that reads slowly but reads", async () => {
  await using relay = new TestRelay();
  using sender = await relay.connect();
  using slow = await relay.connect({ pair: { bufferBytes: 500 } });
  await flood(sender, slow, 10);
  for (let i = 0; i < 10; i++) {
    await relay.clock.advance(1500);
    await slow.expectPacket();
  }
  assertEquals(relay.metric("derp_sclient_write_timeouts"), 0);
});

Deno.test("Relay with a write timeout of 0 keeps a client that doesn't read, and its bounded queue", async () => {
  await using relay = new TestRelay({ writeTimeoutMs: 0 });
  using sender = await relay.connect();
  using sleeper = await relay.connect({ pair: { bufferBytes: 4096 } });
  await flood(sender, sleeper, 50);
  await relay.clock.advance(59_000);
  assertEquals(relay.metric("derp_gauge_current_connections"), 2);
});

Deno.test("Relay gives a mesh peer 30 s to take a write, whatever clients are given", async () => {
  await using relay = new TestRelay({
    meshKey: testMeshKey(1),
    writeTimeoutMs: 0,
  });
  using sender = await relay.connect();
  using peer = await relay.connect({
    meshKey: testMeshKey(1),
    pair: { bufferBytes: 4096 },
  });
  await flood(sender, peer, 50);
  await relay.clock.advance(29_999);
  assertEquals(relay.metric("derp_gauge_current_connections"), 2);
  await relay.clock.advance(1);
  assertEquals(relay.metric("derp_gauge_current_connections"), 1);
});

Deno.test("Relay ends a client that pings and pings and never reads, with a bounded queue", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay({ writeTimeoutMs: 0 });
  using pinger = await relay.connect({ pair: { bufferBytes: 4096 } });
  const pings = concatBytes(
    ...Array.from(
      { length: 1000 },
      () => encodeFrame(FrameType.Ping, new Uint8Array(8)),
    ),
  );
  let written = 0;
  try {
    for (; written < 100; written++) await pinger.write(pings);
  } catch (error) {
    assert(error instanceof Deno.errors.BrokenPipe);
  }
  assert(written < 30, `${written}`); // 256 KiB of Pongs
  await settle();
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
  assertEquals(log.matching("too many control frames are waiting").length, 1);
});

Deno.test("Relay counts what waits for a client that leaves as gone_disconnected", async () => {
  await using relay = new TestRelay();
  using sender = await relay.connect();
  using sleeper = await relay.connect({ pair: { bufferBytes: 4096 } });
  await flood(sender, sleeper, 100);
  sleeper.close();
  await settle();
  const gone = relay.dropped("gone_disconnected");
  const broken = relay.dropped("write_error");
  assertEquals(
    gone.packets + broken.packets + relay.metric("derp_packets_sent"),
    100,
  );
  assert(gone.packets > 50);
  assertEquals(gone.bytes, gone.packets * PACKET_BYTES);
});
