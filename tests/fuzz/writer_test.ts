/** Random packets, parts of writes and pauses: nothing is lost uncounted, changed or out of order. */
import { SERVER_LIMITS } from "../../src/derp/frame.ts";
import { FrameReader } from "../../src/derp/frame_reader.ts";
import { KEEP_ALIVE } from "../../src/derp/messages.ts";
import { ChunkPool } from "../../src/relay/chunk_pool.ts";
import { RelayMetrics } from "../../src/relay/metrics.ts";
import { WriteBatch } from "../../src/relay/write_batch.ts";
import { Writer } from "../../src/relay/writer.ts";
import { equalBytes } from "../../src/util/bytes.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { fuzz } from "../support/fuzz.ts";
import { HeldConn } from "../support/held_conn.ts";
import {
  discoPacket,
  numberedPacket,
  packetNumber,
} from "../support/packets.ts";

const SOURCE = new Uint8Array(32).fill(9);
const POOL = new ChunkPool(); // shared, so that buffers are used again

/** Lets microtasks run. */
async function turn(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}

/** All packets dropped, of both kinds and for any reason, and their bytes. */
function dropped(metrics: RelayMetrics): [number, number] {
  let [packets, bytes] = [0, 0];
  for (const [name, value] of Object.entries(metrics.snapshot())) {
    if (name.startsWith("derp_packets_dropped")) packets += value;
    if (name.startsWith("derp_bytes_dropped")) bytes += value;
  }
  return [packets, bytes];
}

fuzz("writer", async (random) => {
  const conn = new HeldConn();
  const clock = new FakeClock();
  const metrics = new RelayMetrics();
  const writer = new Writer(conn, {
    pool: POOL,
    batch: new WriteBatch(clock),
    clock,
    metrics,
  }, {
    timeoutMs: 2000,
    controlLimitBytes: 100_000,
    countsSent: true,
    onFailed: () => {},
  });
  const largest = random.pick([60, 1500, 20_000]);
  const packets: Uint8Array[] = [];
  let pushedBytes = 0;
  for (let step = random.below(60); step > 0; step--) {
    switch (random.below(4)) {
      case 0:
        if (conn.isWriting) {
          const all = conn.writing.length;
          conn.take(random.oneIn(2) ? all : 1 + random.below(all));
        }
        break;
      case 1:
        writer.sendControl(KEEP_ALIVE);
        break;
      case 2:
        await clock.advance(random.below(50));
        break;
      default: {
        for (let i = random.below(20); i > 0; i--) {
          const isDisco = random.oneIn(5);
          const packet = isDisco
            ? discoPacket(62)
            : numberedPacket(packets.length, 2 + random.below(largest));
          if (!isDisco) packets.push(packet);
          pushedBytes += packet.length;
          writer.sendPacket(SOURCE, packet, 0, packet.length);
        }
      }
    }
    await turn();
  }
  if (random.oneIn(3)) {
    if (random.oneIn(2) && conn.isWriting) conn.fail();
    else writer.close();
    await turn();
  }
  while (conn.isWriting) {
    conn.take();
    await turn();
  }
  writer.close();
  await turn();
  assertEquals(clock.pending, 0);
  const [, droppedBytes] = dropped(metrics);
  assertEquals(metrics.bytesSent + droppedBytes, pushedBytes);
  const reader = new FrameReader(SERVER_LIMITS, Uint8Array.from(conn.taken));
  let last = -1;
  while (reader.next()) {
    const packet = reader.payload().subarray(32);
    if (reader.type !== 5 || packet[0] === 0x54) continue; // control or disco
    const n = packetNumber(packet);
    assert(n > last && equalBytes(packet, packets[n]!), `packet ${n}`);
    last = n;
  }
});
