/** Write buffers that are used again. */
import { ChunkPool } from "../../../src/relay/chunk_pool.ts";
import type { Chunk } from "../../../src/relay/frame_queue.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const USUAL = 16 * 1024;
/** Header, two keys, the largest packet. */
const LARGEST_FRAME = 5 + 64 + 65_536;

/** How many different chunks of `bytes` a pool gives out of those it was given. */
function reused(pool: ChunkPool, bytes: number, given: Set<Chunk>): number {
  let count = 0;
  for (let i = 0; i < given.size; i++) {
    if (given.has(pool.take(bytes))) count++;
  }
  return count;
}

Deno.test("ChunkPool.take() gives an empty chunk with room for the frame", () => {
  const pool = new ChunkPool();
  for (const bytes of [5, USUAL, USUAL + 1, LARGEST_FRAME, 300_000]) {
    const chunk = pool.take(bytes);
    assert(chunk.bytes.length >= bytes);
    assertEquals([chunk.start, chunk.end, chunk.frames], [0, 0, 0]);
  }
  assertEquals(pool.take(5).bytes.length, USUAL);
  assertEquals(pool.take(USUAL + 1).bytes.length, LARGEST_FRAME);
});

Deno.test("ChunkPool.take() never gives out a chunk twice before it came back", () => {
  const pool = new ChunkPool();
  const out = new Set<Chunk>();
  for (let i = 0; i < 100; i++) out.add(pool.take(100));
  assertEquals(out.size, 100);
});

Deno.test("ChunkPool.give() makes a chunk empty and gives it out again, to its size", () => {
  const pool = new ChunkPool();
  const usual = pool.take(100);
  const large = pool.take(20_000);
  for (const chunk of [usual, large]) {
    chunk.start = 5;
    chunk.end = 50;
    chunk.frames = 3;
    pool.give(chunk);
    assertEquals([chunk.start, chunk.end, chunk.frames], [0, 0, 0]);
  }
  assert(pool.take(USUAL) === usual);
  assert(pool.take(USUAL + 1) === large);
  assert(pool.take(5) !== usual);
});

Deno.test("ChunkPool keeps at most 5 MiB of idle buffers, and none of odd sizes", () => {
  const pool = new ChunkPool();
  let keptBytes = 0;
  for (const bytes of [100, 20_000, 300_000]) {
    const given = new Set<Chunk>();
    for (let i = 0; i < 600; i++) given.add(pool.take(bytes));
    for (const chunk of given) pool.give(chunk);
    const size = [...given][0]!.bytes.length;
    const count = reused(pool, bytes, given);
    assert(bytes === 300_000 ? count === 0 : count > 0);
    keptBytes += count * size;
  }
  assert(keptBytes <= 5 * 1024 * 1024 + LARGEST_FRAME, `${keptBytes}`);
});
