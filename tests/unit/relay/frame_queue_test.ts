/** Frames in buffers that are written as they are. */
import { FrameType } from "../../../src/derp/frame.ts";
import { encodeFrame } from "../../../src/derp/messages.ts";
import { ChunkPool } from "../../../src/relay/chunk_pool.ts";
import { FrameQueue } from "../../../src/relay/frame_queue.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { packetOf } from "../../support/packets.ts";

/** Appends a RecvPacket with a packet of so many bytes. */
function append(
  queue: FrameQueue,
  bytes: number,
  type = FrameType.RecvPacket as FrameType,
): void {
  const keys = type === FrameType.ForwardPacket ? 64 : 32;
  const frame = encodeFrame(type, packetOf(keys), packetOf(bytes));
  const chunk = queue.append(frame.length);
  chunk.bytes.set(frame, chunk.end - frame.length);
}

Deno.test("FrameQueue gathers frames in a chunk until it is full, then in the next", () => {
  const queue = new FrameQueue("other", new ChunkPool());
  for (let i = 0; i < 12; i++) append(queue, 1400); // 1,437 bytes each, 11 to a chunk
  assertEquals(queue.queuedBytes, 12 * 1437);
  const [first, second] = [queue.take()!, queue.take()!];
  assertEquals([first.frames, second.frames], [11, 1]);
  assertEquals([first.kind, second.kind], ["other", "other"]);
  assertEquals(queue.queuedBytes, 0);
  assertEquals(queue.take(), undefined);
});

Deno.test("FrameQueue takes a frame larger than a usual chunk", () => {
  const queue = new FrameQueue("other", new ChunkPool());
  append(queue, 10);
  append(queue, 65_536);
  append(queue, 20);
  const sizes: number[] = [];
  const text: string[] = [];
  for (let chunk = queue.take(); chunk; chunk = queue.take()) {
    sizes.push(chunk.packetBytes());
    text.push(toHex(chunk.bytes.subarray(chunk.start, chunk.end)));
  }
  assertEquals(sizes.reduce((a, b) => a + b), 65_566);
  assertEquals(text.join("").length / 2, 65_566 + 3 * 37);
});

Deno.test("FrameQueue.dropOldest() returns the packet's length, whatever the frame's type", () => {
  for (const type of [FrameType.RecvPacket, FrameType.ForwardPacket] as const) {
    const queue = new FrameQueue("other", new ChunkPool());
    for (const bytes of [0, 7, 16_384, 300]) append(queue, bytes, type);
    for (const bytes of [0, 7, 16_384, 300]) {
      assertEquals(queue.dropOldest(), bytes);
    }
    assertEquals(queue.queuedBytes, 0);
    assertEquals(queue.take(), undefined);
  }
});

Deno.test("FrameQueue.dropOldest() leaves what follows as it is", () => {
  const queue = new FrameQueue("disco", new ChunkPool());
  for (const bytes of [100, 200, 300]) append(queue, bytes);
  queue.dropOldest();
  append(queue, 400);
  const chunk = queue.take()!;
  assertEquals([chunk.frames, chunk.packetBytes()], [3, 900]);
  assertEquals(
    toHex(chunk.bytes.subarray(chunk.end - 400, chunk.end)),
    toHex(packetOf(400)),
  );
});

Deno.test("FrameQueue gives a chunk back when the last frame in it is dropped", () => {
  const pool = new ChunkPool();
  const queue = new FrameQueue("other", pool);
  append(queue, 100);
  queue.dropOldest();
  const again = pool.take(100);
  assertEquals([again.start, again.end, again.frames], [0, 0, 0]);
  append(queue, 50);
  assert(queue.take() !== again);
});

Deno.test("FrameQueue.take() gives no more than it is asked for, in whole frames, but one frame at least", () => {
  const pool = new ChunkPool();
  const queue = new FrameQueue("other", pool);
  for (const bytes of [100, 200, 1400, 300]) append(queue, bytes);
  const text: string[] = [];
  const taken: [number, number][] = [];
  for (let chunk = queue.take(400); chunk; chunk = queue.take(400)) {
    assertEquals(chunk.kind, "other");
    taken.push([chunk.frames, chunk.packetBytes()]);
    text.push(toHex(chunk.bytes.subarray(chunk.start, chunk.end)));
    pool.give(chunk);
  }
  assertEquals(taken, [[2, 300], [1, 1400], [1, 300]]);
  assertEquals([queue.queuedBytes, queue.queuedFrames], [0, 0]);
  const whole = new FrameQueue("other", new ChunkPool());
  for (const bytes of [100, 200, 1400, 300]) append(whole, bytes);
  const chunk = whole.take()!;
  assertEquals(
    text.join(""),
    toHex(chunk.bytes.subarray(chunk.start, chunk.end)),
  );
});

Deno.test("FrameQueue.take() leaves the rest as it would have been", () => {
  const queue = new FrameQueue("other", new ChunkPool());
  for (const bytes of [100, 200, 300]) append(queue, bytes);
  queue.take(1);
  append(queue, 400);
  assertEquals(queue.dropOldest(), 200);
  const chunk = queue.take()!;
  assertEquals([chunk.frames, chunk.packetBytes()], [2, 700]);
});
