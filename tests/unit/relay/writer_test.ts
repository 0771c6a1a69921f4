/** One write at a time: what goes in it, in which order, and unchanged. */
import { FrameType, SERVER_LIMITS } from "../../../src/derp/frame.ts";
import { FrameReader } from "../../../src/derp/frame_reader.ts";
import { encodeFrame } from "../../../src/derp/messages.ts";
import { concatBytes, equalBytes, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import {
  discoPacket,
  numberedPacket,
  packetNumber,
  packetOf,
} from "../../support/packets.ts";
import { CONTROL, setUpWriter, SOURCE } from "./writer_setup.ts";

/** The frame that carries a packet. */
function recvPacket(packet: Uint8Array): Uint8Array {
  return encodeFrame(FrameType.RecvPacket, SOURCE, packet);
}

function hex(...frames: Uint8Array[]): string {
  return toHex(concatBytes(...frames));
}

Deno.test("Writer writes all that one turn queues in one write, in order", async () => {
  const { conn, send, metrics } = setUpWriter();
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
  const { conn, send } = setUpWriter();
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
  const { conn, send } = setUpWriter();
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
  const { conn, send } = setUpWriter();
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
  const { conn, send, writer } = setUpWriter();
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
  const { conn, writer, metrics } = setUpWriter({ countsSent: false });
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
  const { conn, send } = setUpWriter({ timeoutMs: 0 });
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

Deno.test("Writer notes how long the oldest packet of a write had waited", async () => {
  const { conn, clock, send, metrics } = setUpWriter();
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

Deno.test("Writer.drained() resolves when all is written, or never will be", async () => {
  const { conn, send, writer } = setUpWriter();
  await writer.drained(); // there is nothing
  for (const end of [() => conn.take(), () => writer.close()]) {
    send(packetOf(10));
    let isDrained = false;
    const drained = writer.drained().then(() => isDrained = true);
    await settle();
    send(packetOf(11));
    assert(!isDrained);
    conn.take();
    await settle();
    assert(!isDrained, "there was more");
    end();
    await drained;
  }
  await writer.drained(); // closed
});
