/** One write at a time, and what happens to it. */
import { FrameType, SERVER_LIMITS } from "../../../src/derp/frame.ts";
import { FrameReader } from "../../../src/derp/frame_reader.ts";
import { encodeFrame } from "../../../src/derp/messages.ts";
import { ChunkPool } from "../../../src/relay/chunk_pool.ts";
import { RelayMetrics } from "../../../src/relay/metrics.ts";
import { WriteBatch } from "../../../src/relay/write_batch.ts";
import {
  type WriteError,
  Writer,
  type WriterOptions,
} from "../../../src/relay/writer.ts";
import { concatBytes, equalBytes, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { HeldConn } from "../../support/held_conn.ts";
import {
  discoPacket,
  numberedPacket,
  packetNumber,
  packetOf,
} from "../../support/packets.ts";

const SOURCE = packetOf(32, 1);
const CONTROL = encodeFrame(FrameType.Health, packetOf(20));

/** A writer on a held connection, and all that it reports. */
function setUp(options: Partial<WriterOptions> = {}) {
  const conn = new HeldConn();
  const clock = new FakeClock();
  const metrics = new RelayMetrics();
  const failures: WriteError[] = [];
  const pool = new ChunkPool();
  const batch = new WriteBatch();
  const writer = new Writer(conn, { pool, batch, clock, metrics }, {
    timeoutMs: 2000,
    controlLimitBytes: 1000,
    countsSent: true,
    onFailed: (error) => failures.push(error),
    ...options,
  });
  const send = (packet: Uint8Array) =>
    writer.sendPacket(SOURCE, packet, 0, packet.length);
  const drops = (reason: string, kind = "other") =>
    metrics.snapshot()[
      `derp_packets_dropped{reason="${reason}",kind="${kind}"}`
    ];
  return { conn, clock, metrics, failures, writer, send, drops };
}

/** The frame that carries a packet. */
function recvPacket(packet: Uint8Array): Uint8Array {
  return encodeFrame(FrameType.RecvPacket, SOURCE, packet);
}

function hex(...frames: Uint8Array[]): string {
  return toHex(concatBytes(...frames));
}

Deno.test("Writer writes all that one turn queues in one write, in order", async () => {
  const { conn, send, metrics } = setUp();
  for (let i = 0; i < 5; i++) send(packetOf(10, i));
  assert(!conn.isWriting); // not before the turn ends
  await settle();
  assertEquals(
    toHex(conn.writing),
    hex(...[0, 1, 2, 3, 4].map((i) => recvPacket(packetOf(10, i)))),
  );
  conn.take();
  await settle();
  assert(!conn.isWriting);
  assertEquals(metrics.packetsSent, 5);
  assertEquals(metrics.bytesSent, 50);
  const frames = "derp_counter_buffered_write_frames";
  assertEquals(metrics.snapshot()[`${frames}_count`], 1);
  assertEquals(metrics.snapshot()[`${frames}_sum`], 5);
});

Deno.test("Writer lets frames gather while a write is under way", async () => {
  const { conn, send } = setUp();
  send(packetOf(10, 0));
  await settle();
  for (let i = 1; i < 9; i++) {
    send(packetOf(10, i));
    await settle();
  }
  conn.take();
  await settle();
  assertEquals(
    toHex(conn.writing),
    hex(...[1, 2, 3, 4, 5, 6, 7, 8].map((i) => recvPacket(packetOf(10, i)))),
  );
  conn.take();
  await settle();
  assert(!conn.isWriting);
});

Deno.test("Writer writes what was queued while it wrote the last of what there was", async () => {
  const { conn, send } = setUp();
  send(packetOf(1));
  await settle();
  conn.take();
  send(packetOf(2)); // the write is done, its promise not yet seen
  await settle();
  assertEquals(toHex(conn.writing), hex(recvPacket(packetOf(2))));
  conn.take();
  await settle();
});

Deno.test("Writer goes on where a write that took only a part left off", async () => {
  const { conn, send } = setUp();
  send(packetOf(1000));
  await settle();
  for (const bytes of [1, 4, 500]) {
    conn.take(bytes);
    await settle();
    send(packetOf(3)); // must not get in between
  }
  conn.take();
  await settle();
  conn.take();
  const three = recvPacket(packetOf(3));
  assertEquals(
    toHex(Uint8Array.from(conn.taken)),
    hex(recvPacket(packetOf(1000)), three, three, three),
  );
});

Deno.test("Writer writes control frames first, then disco and other packets in turn", async () => {
  const { conn, send, writer } = setUp();
  send(packetOf(1));
  await settle(); // under way; the rest gathers
  send(packetOf(2));
  send(discoPacket(62));
  writer.sendControl(CONTROL);
  send(packetOf(3));
  const writes: string[] = [];
  while (conn.isWriting) {
    writes.push(toHex(conn.writing));
    conn.take();
    await settle();
  }
  assertEquals(writes, [
    hex(recvPacket(packetOf(1))),
    hex(CONTROL),
    hex(recvPacket(discoPacket(62))),
    hex(recvPacket(packetOf(2)), recvPacket(packetOf(3))),
  ]);
});

Deno.test("Writer.forwardPacket() queues source, destination and packet, and counts nothing as sent", async () => {
  const { conn, writer, metrics } = setUp({ countsSent: false });
  const payload = concatBytes(packetOf(32, 2), packetOf(50));
  const buffer = concatBytes(new Uint8Array(7), payload, new Uint8Array(7));
  writer.forwardPacket(SOURCE, buffer, 7, 7 + payload.length);
  await settle();
  assertEquals(
    toHex(conn.writing),
    hex(encodeFrame(FrameType.ForwardPacket, SOURCE, payload)),
  );
  conn.take();
  await settle();
  assertEquals([metrics.packetsSent, metrics.bytesSent], [0, 0]);
});

Deno.test("Writer never touches a buffer that is being written, whatever comes", async () => {
  const { conn, send } = setUp({ timeoutMs: 0 });
  const sizeOf = (n: number) => 2 + n * 997 % 40_000;
  for (let n = 0; n < 60; n++) {
    send(numberedPacket(n, sizeOf(n)));
    await settle();
    conn.take(Math.min(conn.writing.length, 12_345)); // throws where one was reused
    await settle();
  }
  while (conn.isWriting) {
    conn.take(Math.min(conn.writing.length, 7777));
    await settle();
  }
  const reader = new FrameReader(SERVER_LIMITS, Uint8Array.from(conn.taken));
  let last = -1;
  while (reader.next()) { // some were dropped, none is out of order or changed
    const packet = reader.payload().subarray(32);
    const n = packetNumber(packet);
    assert(n > last && equalBytes(packet, numberedPacket(n, sizeOf(n))));
    last = n;
  }
  assertEquals(last, 59);
});

Deno.test("Writer gives up on a connection that takes nothing for its time, and only then", async () => {
  const { conn, clock, send, failures, metrics, writer, drops } = setUp();
  send(packetOf(100));
  await settle();
  send(packetOf(200));
  send(discoPacket(62));
  await clock.advance(1999);
  assert(!conn.closed);
  await clock.advance(1);
  assert(conn.closed);
  assert(writer.isClosed);
  assertEquals(failures.map(({ code }) => code), ["timeout"]);
  assertEquals(failures[0]!.message, "it took nothing for 2000 ms");
  assertEquals(metrics.clientWriteTimeouts, 1);
  assertEquals(drops("write_error"), 1); // the one under way
  assertEquals(drops("gone_disconnected"), 1);
  assertEquals(drops("gone_disconnected", "disco"), 1);
  assertEquals(clock.pending, 0);
});

Deno.test("Writer gives a slow connection its time anew with every part that it takes", async () => {
  const { conn, clock, send, failures } = setUp();
  send(packetOf(1000));
  await settle();
  for (let i = 0; i < 10; i++) {
    await clock.advance(1900);
    conn.take(50);
    await settle();
  }
  assertEquals(failures, []);
  await clock.advance(1999);
  assertEquals(failures, []);
  await clock.advance(1);
  assertEquals(failures.length, 1);
});

Deno.test("Writer gives each write its own time, with one timer for all", async () => {
  const { conn, clock, send, failures } = setUp();
  for (let i = 0; i < 20; i++) {
    send(packetOf(100));
    await clock.advance(900);
    assert(clock.pending <= 1);
    conn.take();
  }
  assertEquals(failures, []);
  await clock.advance(60_000); // idle
  assertEquals(failures, []);
  assertEquals(clock.pending, 0);
});

Deno.test("Writer with a timeout of 0 waits for ever, without a timer", async () => {
  const { conn, clock, send, failures } = setUp({ timeoutMs: 0 });
  send(packetOf(100));
  await clock.advance(3_600_000);
  assertEquals(clock.pending, 0);
  assertEquals(failures, []);
  conn.take();
  await settle();
  assert(!conn.closed);
});

Deno.test("Writer ends a connection whose control frames gather over their limit", async () => {
  const { conn, writer, failures, metrics } = setUp({ controlLimitBytes: 100 });
  writer.sendControl(CONTROL); // 25 bytes, and at once under way
  await settle();
  for (let i = 0; i < 4; i++) writer.sendControl(CONTROL);
  assertEquals(failures, []);
  writer.sendControl(CONTROL);
  assertEquals(failures.map(({ code }) => code), ["control_queue_full"]);
  assert(conn.closed);
  writer.sendControl(CONTROL); // no second report
  await settle();
  assertEquals(failures.length, 1);
  assertEquals(metrics.clientWriteTimeouts, 0);
});

Deno.test("Writer counts what a broken write and the queue behind it lose", async () => {
  const { conn, send, failures, writer, metrics, drops } = setUp();
  for (let i = 0; i < 3; i++) send(packetOf(10));
  await settle();
  send(packetOf(7));
  conn.fail();
  await settle();
  assertEquals(failures.map(({ code }) => code), ["connection"]);
  assert(failures[0]!.cause instanceof Deno.errors.ConnectionReset);
  assert(writer.isClosed);
  assertEquals(drops("write_error"), 3);
  assertEquals(drops("gone_disconnected"), 1);
  const bytes = 'derp_bytes_dropped{reason="write_error",kind="other"}';
  assertEquals(metrics.snapshot()[bytes], 30);
  assertEquals(metrics.packetsSent, 0);
});

Deno.test("Writer.close() drops what waits, reports nothing, and leaves no timer", async () => {
  const { conn, clock, send, writer, failures, drops } = setUp();
  send(packetOf(10));
  await settle();
  send(packetOf(11));
  writer.sendControl(CONTROL);
  writer.close();
  writer.close();
  await settle();
  assert(conn.closed);
  assertEquals(drops("gone_disconnected"), 1);
  assertEquals(failures, []);
  assertEquals(clock.pending, 0);
});

Deno.test("Writer.close() before the turn ends lets nothing be written", async () => {
  const { conn, send, writer, drops } = setUp();
  send(packetOf(10));
  writer.close();
  await settle();
  assertEquals(conn.asked, []);
  assertEquals(drops("gone_disconnected"), 1);
});

Deno.test("Writer counts a packet that comes after its end as gone_disconnected", async () => {
  const { conn, send, writer, drops } = setUp();
  writer.close();
  send(packetOf(10));
  send(discoPacket(62));
  writer.forwardPacket(SOURCE, packetOf(50), 0, 50);
  writer.sendControl(CONTROL);
  await settle();
  assertEquals(conn.asked, []);
  assertEquals(drops("gone_disconnected"), 2);
  assertEquals(drops("gone_disconnected", "disco"), 1);
});

Deno.test("Writer notes how long the oldest packet of a write had waited", async () => {
  const { conn, clock, send, metrics } = setUp();
  send(packetOf(1));
  await settle();
  assertEquals(metrics.averageQueueDurationMs, 0);
  send(packetOf(1));
  await clock.advance(100);
  conn.take();
  await settle();
  assertEquals(metrics.averageQueueDurationMs, 10); // a tenth of the sample
  conn.take();
  await settle();
  send(packetOf(1));
  await settle();
  assertEquals(metrics.averageQueueDurationMs, 9);
});

Deno.test("Writer.close() after a write was taken, before that is known, still counts it as sent", async () => {
  const { conn, send, writer, metrics, drops } = setUp();
  send(packetOf(10));
  await settle();
  conn.take();
  writer.close();
  await settle();
  assertEquals(metrics.packetsSent, 1);
  assertEquals(drops("write_error"), 0);
});
