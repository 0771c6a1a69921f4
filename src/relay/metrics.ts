/** What the relay counts, under derper's names. */
import {
  DROP_REASONS,
  type DropReason,
  PACKET_KINDS,
  type PacketKind,
} from "./drop_reason.ts";
import type { RateLimits } from "./rate_limit.ts";
import { Histogram } from "../util/histogram.ts";

/** Packets and their bytes, keys not counted. */
interface Traffic {
  packets: number;
  bytes: number;
}

/** The relay's counters and gauges; read as a whole by `snapshot()`. */
export class RelayMetrics {
  /** Connections that asked for DERP, admitted or not. */
  accepts = 0;
  /** Of these, over WebSocket. */
  webSocketAccepts = 0;
  /** Admitted connections now; of these, at home here, and here only because their ideal node failed. */
  currentConnections = 0;
  currentHomeConnections = 0;
  currentNotIdealConnections = 0;
  /** Mesh peers that watch who is connected. */
  watchers = 0;
  /** Keys that are connected here, and those known here or from mesh peers. */
  clientsLocal = 0;
  clientsTotal = 0;
  /** Keys with several connections, these connections, and how many there ever were. */
  currentDupClientKeys = 0;
  currentDupClientConns = 0;
  totalDupClientConns = 0;
  /** Packets that clients sent, by kind. */
  packetsReceivedKind: Record<PacketKind, number> = { disco: 0, other: 0 };
  bytesReceived = 0;
  /** Packets written to clients. */
  packetsSent = 0;
  bytesSent = 0;
  packetsForwardedOut = 0;
  packetsForwardedIn = 0;
  /** Frames of types that we don't know. */
  unknownFrames = 0;
  /** Clients that made this relay their home, or left it, more than 5 s after they connected. */
  homeMovesIn = 0;
  homeMovesOut = 0;
  gotPing = 0;
  sentPong = 0;
  peerGoneDisconnectedFrames = 0;
  peerGoneNotHereFrames = 0;
  /** Keys that came to be announced by several mesh peers, or by one again, and removals of what wasn't there. */
  multiForwarderCreated = 0;
  multiForwarderDeleted = 0;
  packetForwarderDeleteOtherValue = 0;
  /** Connections closed because a write took too long. */
  clientWriteTimeouts = 0;
  /** Moving average of how long the oldest packet of a write had waited. */
  averageQueueDurationMs = 0;
  readonly meshUpdateBatchSize: Histogram = new Histogram([
    0,
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
  ]);
  readonly meshUpdateLoopCount: Histogram = new Histogram([
    0,
    1,
    2,
    5,
    10,
    20,
    50,
    100,
  ]);
  /** Frames that went out in one write. */
  readonly bufferedWriteFrames: Histogram = new Histogram([
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    15,
    20,
    25,
    50,
    100,
  ]);
  /** Undefined without `-rate-config`; derper's names for it are then missing. */
  rateLimits: RateLimits | undefined;
  readonly #dropped: Record<DropReason, Record<PacketKind, Traffic>>;

  constructor() {
    const byKind = () => ({
      disco: { packets: 0, bytes: 0 },
      other: { packets: 0, bytes: 0 },
    });
    this.#dropped = Object.fromEntries(
      DROP_REASONS.map((reason) => [reason, byKind()]),
    ) as Record<
      DropReason,
      Record<PacketKind, Traffic>
    >;
  }

  /** Counts `packets` of `bytes` in all as lost. */
  drop(
    reason: DropReason,
    kind: PacketKind,
    { packets, bytes }: Traffic,
  ): void {
    const dropped = this.#dropped[reason][kind];
    dropped.packets += packets;
    dropped.bytes += bytes;
  }

  /** Notes how long the oldest packet of a write had waited. */
  noteQueueDuration(durationMs: number): void {
    const weight = 0.1; // derper's
    this.averageQueueDurationMs += weight *
      (durationMs - this.averageQueueDurationMs);
  }

  /** All values by derper's name; a label is written as in Prometheus' text format. */
  snapshot(): Record<string, number> {
    const { disco, other } = this.packetsReceivedKind;
    const values: Record<string, number> = {
      derp_gauge_watchers: this.watchers,
      derp_gauge_current_connections: this.currentConnections,
      derp_gauge_current_home_connections: this.currentHomeConnections,
      derp_gauge_current_notideal_connections: this.currentNotIdealConnections,
      derp_gauge_clients_total: this.clientsTotal,
      derp_gauge_clients_local: this.clientsLocal,
      derp_gauge_clients_remote: this.clientsTotal - this.clientsLocal,
      derp_gauge_current_dup_client_keys: this.currentDupClientKeys,
      derp_gauge_current_dup_client_conns: this.currentDupClientConns,
      derp_counter_total_dup_client_conns: this.totalDupClientConns,
      derp_accepts: this.accepts,
      derp_websocket_accepts: this.webSocketAccepts,
      derp_bytes_received: this.bytesReceived,
      derp_bytes_sent: this.bytesSent,
      'derp_counter_packets_received_kind{kind="disco"}': disco,
      'derp_counter_packets_received_kind{kind="other"}': other,
      derp_packets_sent: this.packetsSent,
      derp_packets_received: disco + other,
      derp_unknown_frames: this.unknownFrames,
      derp_home_moves_in: this.homeMovesIn,
      derp_home_moves_out: this.homeMovesOut,
      derp_got_ping: this.gotPing,
      derp_sent_pong: this.sentPong,
      derp_peer_gone_disconnected_frames: this.peerGoneDisconnectedFrames,
      derp_peer_gone_not_here_frames: this.peerGoneNotHereFrames,
      derp_packets_forwarded_out: this.packetsForwardedOut,
      derp_packets_forwarded_in: this.packetsForwardedIn,
      derp_multiforwarder_created: this.multiForwarderCreated,
      derp_multiforwarder_deleted: this.multiForwarderDeleted,
      derp_packet_forwarder_delete_other_value:
        this.packetForwarderDeleteOtherValue,
      derp_sclient_write_timeouts: this.clientWriteTimeouts,
      derp_average_queue_duration_ms: this.averageQueueDurationMs,
      ...this.meshUpdateBatchSize.snapshot(
        "derp_counter_mesh_update_batch_size",
      ),
      ...this.meshUpdateLoopCount.snapshot(
        "derp_counter_mesh_update_loop_count",
      ),
      ...this.bufferedWriteFrames.snapshot(
        "derp_counter_buffered_write_frames",
      ),
    };
    for (const reason of DROP_REASONS) {
      for (const kind of PACKET_KINDS) {
        const { packets, bytes } = this.#dropped[reason][kind];
        values[`derp_packets_dropped{reason="${reason}",kind="${kind}"}`] =
          packets;
        values[`derp_bytes_dropped{reason="${reason}",kind="${kind}"}`] = bytes;
      }
    }
    return { ...values, ...rateLimitValues(this.rateLimits) };
  }
}

function rateLimitValues(
  limits: RateLimits | undefined,
): Record<string, number> {
  if (limits === undefined) return {};
  const { current: { bytesPerSecond, burstBytes }, waited } = limits;
  return {
    derp_rate_limit_per_client_bytes_per_second: bytesPerSecond,
    derp_rate_limit_per_client_burst_bytes: burstBytes,
    derp_rate_limit_per_client_waited: waited,
  };
}
