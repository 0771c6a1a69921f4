/** A writer that writes when a test lets it. */
import { FrameType } from "../../../src/derp/frame.ts";
import { encodeFrame } from "../../../src/derp/messages.ts";
import { ChunkPool } from "../../../src/relay/chunk_pool.ts";
import { RelayMetrics } from "../../../src/relay/metrics.ts";
import { WriteBatch } from "../../../src/relay/write_batch.ts";
import {
  type WriteError,
  Writer,
  type WriterOptions,
} from "../../../src/relay/writer.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { HeldConn } from "../../support/held_conn.ts";
import { packetOf } from "../../support/packets.ts";

/** The key that all packets come from. */
export const SOURCE: Uint8Array = packetOf(32, 1);
/** A frame that is no packet, of 25 bytes. */
export const CONTROL: Uint8Array = encodeFrame(FrameType.Health, packetOf(20));

/** What a test of a writer needs. */
export interface WriterSetUp {
  readonly conn: HeldConn;
  readonly clock: FakeClock;
  readonly metrics: RelayMetrics;
  readonly failures: readonly WriteError[];
  readonly writer: Writer;
  send(packet: Uint8Array): void;
  /** How many packets were dropped. */
  drops(reason: string, kind?: string): number | undefined;
}

/** A writer on a held connection, and all that it reports. */
export function setUpWriter(options: Partial<WriterOptions> = {}): WriterSetUp {
  const conn = new HeldConn();
  const clock = new FakeClock();
  const metrics = new RelayMetrics();
  const failures: WriteError[] = [];
  const pool = new ChunkPool();
  const batch = new WriteBatch(clock);
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
