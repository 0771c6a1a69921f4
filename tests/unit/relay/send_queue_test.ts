/** What waits for one connection, in which order it goes, and what is dropped for want of room. */
import { FrameType, SERVER_LIMITS } from "../../../src/derp/frame.ts";
import { FrameReader } from "../../../src/derp/frame_reader.ts";
import { encodeFrame } from "../../../src/derp/messages.ts";
import { ChunkPool } from "../../../src/relay/chunk_pool.ts";
import type { Chunk } from "../../../src/relay/frame_queue.ts";
import { RelayMetrics } from "../../../src/relay/metrics.ts";
import { SendQueue } from "../../../src/relay/send_queue.ts";
import { concatBytes, equalBytes, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import {
  discoPacket,
  numberedPacket,
  packetNumber,
  packetOf,
} from "../../support/packets.ts";

const SOURCE = packetOf(32, 1);
const CONTROL = encodeFrame(FrameType.Health, packetOf(20));
const DISCO_LIMIT_BYTES = 16 * 1024;
const MAX_LIMIT_BYTES = 512 * 1024;

function setUp() {
  const metrics = new RelayMetrics();
  const queue = new SendQueue(new ChunkPool(), metrics);
  const push = (packet: Uint8Array) =>
    queue.pushRecvPacket(SOURCE, packet, 0, packet.length);
  const dropped = (reason: string, kind: string) => {
    const labels = `{reason="${reason}",kind="${kind}"}`;
    const values = metrics.snapshot();
    return [
      values[`derp_packets_dropped${labels}`],
      values[`derp_bytes_dropped${labels}`],
    ];
  };
  return { queue, push, dropped, metrics };
}

/** The frames of a chunk. */
function bytesOf(chunk: Chunk): Uint8Array {
  return chunk.bytes.subarray(chunk.start, chunk.end);
}

/** Takes all that waits: the packets within, by kind, in order. */
function takeAll(queue: SendQueue): { kind: string; packet: Uint8Array }[] {
  const packets: { kind: string; packet: Uint8Array }[] = [];
  for (let chunk = queue.take(); chunk; chunk = queue.take()) {
    const reader = new FrameReader(SERVER_LIMITS, bytesOf(chunk));
    let frames = 0;
    for (; reader.next(); frames++) {
      const packet = reader.payload().slice(32);
      packets.push({ kind: chunk.kind, packet });
    }
    assertEquals(frames, chunk.frames);
    queue.written(chunk);
  }
  return packets;
}

Deno.test("SendQueue.take() gives all frames of one chunk at once, framed", () => {
  const { queue, push } = setUp();
  push(packetOf(5));
  push(packetOf(0));
  push(packetOf(700));
  const chunk = queue.take()!;
  const frame = (bytes: number) =>
    encodeFrame(FrameType.RecvPacket, SOURCE, packetOf(bytes));
  assertEquals(
    toHex(bytesOf(chunk)),
    toHex(concatBytes(frame(5), frame(0), frame(700))),
  );
  assertEquals([chunk.frames, chunk.packetBytes()], [3, 705]);
  assertEquals(queue.take(), undefined);
});

Deno.test("SendQueue.take() gives control frames first, then disco and other chunks in turn", () => {
  const { queue, push } = setUp();
  for (let i = 0; i < 100; i++) queue.otherLimit.note(16_384, 0); // fast: whole chunks
  for (let i = 0; i < 3; i++) push(packetOf(40_000, i)); // a chunk each
  for (let i = 0; i < 3; i++) push(discoPacket(5_000, i)); // a chunk of all three
  queue.pushControl(CONTROL);
  const kinds: string[] = [];
  for (let chunk = queue.take(); chunk; chunk = queue.take()) {
    kinds.push(chunk.kind);
  }
  assertEquals(kinds, ["control", "disco", "other", "other", "other"]);
  push(discoPacket(62));
  push(packetOf(62));
  push(packetOf(16_300));
  queue.take();
  push(discoPacket(62)); // disco had its turn
  assertEquals(queue.take()!.kind, "other");
  assertEquals(queue.take()!.kind, "disco");
});

Deno.test("SendQueue.take() gives a slow receiver little at a time, of both kinds in turn", () => {
  const { queue, push } = setUp();
  queue.otherLimit.note(1400, 1000); // 11 kbit/s
  for (let i = 0; i < 3; i++) push(packetOf(1400, i));
  for (let i = 0; i < 3; i++) push(discoPacket(100, i));
  const taken = takeAll(queue).map(({ kind }) => kind);
  assertEquals(taken, ["disco", "other", "disco", "other", "disco", "other"]);
});

Deno.test("SendQueue.pushControl() keeps control frames in order, of any size", () => {
  const { queue } = setUp();
  const frames = [20, 16_400, 100_000, 3].map((bytes) =>
    encodeFrame(FrameType.Health, packetOf(bytes))
  );
  for (const frame of frames) queue.pushControl(frame);
  const taken: Uint8Array[] = [];
  assertEquals(queue.controlBytes, concatBytes(...frames).length);
  for (let chunk = queue.take(); chunk; chunk = queue.take()) {
    taken.push(bytesOf(chunk).slice());
  }
  assertEquals(toHex(concatBytes(...taken)), toHex(concatBytes(...frames)));
  assertEquals(queue.controlBytes, 0);
});

Deno.test("SendQueue.pushForwardPacket() tells disco by the packet, not by the destination key", () => {
  const { queue } = setUp();
  const push = (payload: Uint8Array) =>
    queue.pushForwardPacket(SOURCE, payload, 0, payload.length);
  push(concatBytes(packetOf(32), discoPacket(70)));
  push(concatBytes(discoPacket(32), packetOf(70)));
  const kinds = [queue.take()!, queue.take()!].map((chunk) => [
    chunk.kind,
    chunk.packetBytes(),
  ]);
  assertEquals(kinds, [["disco", 70], ["other", 70]]);
});

Deno.test("SendQueue drops the oldest packets when they exceed its bound, and counts them", () => {
  const { queue, push, dropped } = setUp();
  const frameBytes = 5 + 32 + 1400;
  const room = Math.floor(MAX_LIMIT_BYTES / frameBytes);
  for (let i = 0; i < room; i++) push(packetOf(1400, i));
  assertEquals(dropped("queue_head", "other"), [0, 0]);
  for (let i = room; i < room + 10; i++) push(packetOf(1400, i));
  assertEquals(dropped("queue_head", "other"), [10, 14_000]);
  const packets = takeAll(queue);
  assertEquals(packets.length, room);
  for (const [i, { packet }] of packets.entries()) {
    assertEquals(packet, packetOf(1400, i + 10));
  }
});

Deno.test("SendQueue makes room for a large packet by dropping as many as needed, with their bytes", () => {
  const { queue, push, dropped } = setUp();
  queue.otherLimit.bytes = 140_000;
  for (let i = 0; i < 100; i++) push(packetOf(1000 + i)); // 108,650 bytes with headers
  push(packetOf(65_536)); // 65,573
  // 34,223 bytes too many: the oldest 33 have 1,037 to 1,069 each.
  assertEquals(dropped("queue_head", "other"), [33, 33 * 1016]);
  assertEquals(
    takeAll(queue).map(({ packet }) => packet.length),
    [...Array.from({ length: 67 }, (_, i) => 1033 + i), 65_536],
  );
});

Deno.test("SendQueue holds 32 packets of any size for the slowest receiver, as derper does", () => {
  const { queue, push, dropped } = setUp();
  queue.otherLimit.bytes = 16 * 1024;
  for (let i = 0; i < 32; i++) push(packetOf(20_000, i));
  for (let i = 0; i < 32; i++) push(discoPacket(1400, i));
  assertEquals(dropped("queue_head", "other"), [0, 0]);
  assertEquals(dropped("queue_head", "disco"), [0, 0]);
  push(packetOf(65_536));
  push(discoPacket(62));
  assertEquals(dropped("queue_head", "other"), [1, 20_000]);
  assertEquals(dropped("queue_head", "disco"), [1, 1400]);
  assertEquals(dropped("queue_tail", "other"), [0, 0]);
  assertEquals(takeAll(queue).length, 64);
});

Deno.test("SendQueue never drops disco packets for others, nor others for disco", () => {
  const { queue, push, dropped } = setUp();
  for (let i = 0; i < 5; i++) push(discoPacket(150, i));
  for (let i = 0; i < 1000; i++) push(packetOf(1400, i));
  assertEquals(dropped("queue_head", "disco"), [0, 0]);
  const before = dropped("queue_head", "other");
  const room = Math.floor(DISCO_LIMIT_BYTES / (5 + 32 + 150));
  for (let i = 5; i < room + 3; i++) push(discoPacket(150, i));
  assertEquals(dropped("queue_head", "disco"), [3, 450]);
  assertEquals(dropped("queue_head", "other"), before);
  const disco = takeAll(queue).filter(({ kind }) => kind === "disco");
  assertEquals(
    disco.map(({ packet }) => toHex(packet)),
    Array.from({ length: room }, (_, i) => toHex(discoPacket(150, i + 3))),
  );
});

Deno.test("SendQueue.isEmpty and discard() tell of all that waits", () => {
  const { queue, push, dropped } = setUp();
  assert(queue.isEmpty);
  for (let i = 0; i < 100; i++) push(packetOf(1000, i));
  for (let i = 0; i < 3; i++) push(discoPacket(100, i));
  queue.pushControl(CONTROL);
  assert(!queue.isEmpty);
  queue.discard();
  assert(queue.isEmpty);
  assertEquals(queue.take(), undefined);
  assertEquals(dropped("gone_disconnected", "other"), [100, 100_000]);
  assertEquals(dropped("gone_disconnected", "disco"), [3, 300]);
});

Deno.test("SendQueue.lost() counts packets and no control frames", () => {
  const { queue, push, dropped, metrics } = setUp();
  push(packetOf(10));
  push(packetOf(20));
  queue.pushControl(CONTROL);
  for (let chunk = queue.take(); chunk; chunk = queue.take()) {
    queue.lost(chunk, "write_error");
  }
  assertEquals(dropped("write_error", "other"), [2, 30]);
  assertEquals(metrics.packetsSent, 0);
});

Deno.test("SendQueue keeps every packet whole and in order while some are dropped and some written", () => {
  const { queue, push } = setUp();
  queue.otherLimit.bytes = 40_000;
  const sizeOf = (n: number) => 2 + n * 811 % 20_000;
  const got: number[] = [];
  for (let n = 0; n < 400; n++) {
    push(numberedPacket(n, sizeOf(n)));
    if (n % 7 !== 0) continue;
    const chunk = queue.take()!;
    const reader = new FrameReader(SERVER_LIMITS, bytesOf(chunk));
    while (reader.next()) {
      const packet = reader.payload().subarray(32);
      const number = packetNumber(packet);
      assert(equalBytes(packet, numberedPacket(number, sizeOf(number))));
      got.push(number);
    }
    queue.written(chunk);
  }
  assertEquals(got, got.toSorted((a, b) => a - b));
  assert(got.length > 60 && got.length < 400, `${got.length}`);
});
