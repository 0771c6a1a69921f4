/** One admitted connection: who it is, and its read loop. */
import type { Verdict } from "../admission/admission.ts";
import {
  CLIENT_LIMITS,
  PeerGoneReason,
  PeerPresentFlag,
} from "../derp/frame.ts";
import type { FrameReader } from "../derp/frame_reader.ts";
import {
  encodePeerGone,
  KEEP_ALIVE,
  type PeerPresent,
} from "../derp/messages.ts";
import type { NodePublic } from "../keys/node_key.ts";
import type { Conn, RemoteAddress } from "../net/conn.ts";
import { readUint32 } from "../util/bytes.ts";
import type { Turn } from "../util/clock.ts";
import { TurnBudget } from "../util/turn_budget.ts";
import { TokenBucket } from "../util/token_bucket.ts";
import { dispatch } from "./dispatch.ts";
import type { Hello } from "./handshake.ts";
import type { HealthNotices } from "./health_notices.ts";
import type { RelayMetrics } from "./metrics.ts";
import { Pacer, type RateLimits } from "./rate_limit.ts";
import type { RelayTable, Route } from "./relay_table.ts";
import { Writer, type WriterOptions, type WriterParts } from "./writer.ts";

const KEEP_ALIVE_MS = 60_000;
const KEEP_ALIVE_JITTER_MS = 5_000;
/** A home announced this soon after connecting is no move (derper's rule). */
const SETTLED_MS = 5_000;
/** Room for thousands of PeerGones; who lets more gather has stopped reading. */
const CONTROL_LIMIT_BYTES = 256 * 1024;
/** A watcher is sent all that are present at once: room for 500,000 clients. */
const MESH_CONTROL_LIMIT_BYTES = 32 * 1024 * 1024;
/** derper gives its mesh peers more time. */
const MESH_WRITE_TIMEOUT_MS = 30_000;

/** What all sessions share. */
export interface SessionParts extends WriterParts {
  readonly table: RelayTable;
  readonly turn: Turn;
  /** Undefined without `-rate-config`. */
  readonly rateLimits?: RateLimits | undefined;
  readonly notices: HealthNotices;
  /** How long a write to a client may take; 0 is for ever. */
  readonly writeTimeoutMs: number;
}

/** Who has let a client in, and what it calls the node. */
export type Admitted = Extract<Verdict, { allow: true }>;

/** How a session came to be. */
export interface SessionOptions {
  readonly hello: Hello;
  readonly isMeshPeer: boolean;
  readonly isNotIdeal: boolean;
  /** Undefined where nobody is verified, and for mesh peers. */
  readonly admitted: Admitted | undefined;
  readonly onWriteFailed: WriterOptions["onFailed"];
}

/** What one connection has moved so far; packets' bytes are without keys and headers. */
export interface SessionTraffic {
  readonly key: NodePublic;
  readonly remote: RemoteAddress;
  readonly isMeshPeer: boolean;
  readonly admitted: Admitted | undefined;
  readonly since: Date;
  /** From the client. */
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  /** To the client. */
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly droppedPackets: number;
  /** Keys that have sent to it and are still in the region. */
  readonly senders: number;
}

export class Session {
  // Fixed.
  readonly route: Route;
  readonly isMeshPeer: boolean;
  readonly isNotIdeal: boolean;
  readonly isProber: boolean;
  readonly admitted: Admitted | undefined;
  readonly writer: Writer;
  readonly table: RelayTable;
  readonly metrics: RelayMetrics;
  readonly #parts: SessionParts;
  readonly #conn: Conn;
  readonly #reader: FrameReader;
  readonly #connectedMs: number;
  readonly #peerGoneLimit: TokenBucket;
  readonly #pacer: Pacer | undefined;
  // The table's.
  /** Keys from which packets came here. */
  readonly heard = new Set<Route>();
  // The read loops': this one's, and those of who sends here.
  /** Packets that the client has sent. */
  receivedPackets = 0;
  receivedBytes = 0;
  #isHome = false;
  /** The last of `heard`, because most packets come from the same key as the one before. */
  #lastHeard: Route | undefined;

  constructor(conn: Conn, parts: SessionParts, options: SessionOptions) {
    const { hello, isMeshPeer } = options;
    this.route = parts.table.routeOf(hello.key);
    this.isMeshPeer = isMeshPeer;
    this.isNotIdeal = options.isNotIdeal;
    this.isProber = hello.info.isProber;
    this.admitted = options.admitted;
    this.table = parts.table;
    this.metrics = parts.metrics;
    this.#parts = parts;
    this.#conn = conn;
    this.#reader = hello.reader;
    this.#reader.setLimits(CLIENT_LIMITS);
    this.#connectedMs = parts.clock.nowMs();
    this.#peerGoneLimit = new TokenBucket(parts.clock, {
      perSecond: 1,
      burst: 3,
    }); // derper's
    const { rateLimits, notices } = parts;
    if (rateLimits && !isMeshPeer) {
      this.#pacer = new Pacer(
        rateLimits,
        (pacer) => notices.noteThrottled(this, pacer),
      );
    }
    this.writer = new Writer(conn, parts, {
      timeoutMs: isMeshPeer ? MESH_WRITE_TIMEOUT_MS : parts.writeTimeoutMs,
      controlLimitBytes: isMeshPeer
        ? MESH_CONTROL_LIMIT_BYTES
        : CONTROL_LIMIT_BYTES,
      countsSent: true,
      onFailed: options.onWriteFailed,
    });
  }

  /**
   * Handles frames until the client leaves.
   *
   * @throws ProtocolError when the client breaks the protocol
   */
  async run(): Promise<void> {
    const cancelKeepAlive = this.#keepAlive();
    const budget = new TurnBudget(this.#parts.turn);
    try {
      for (;;) {
        let frames = 0;
        while (this.#reader.next()) {
          frames++;
          const pause = this.#pacer && this.#pause(this.#pacer);
          if (pause !== undefined) {
            await pause;
            if (this.writer.isClosed) return;
          }
          dispatch(this, this.#reader);
        }
        const bytes = await this.#conn.read(this.#reader.space());
        if (bytes === null || this.writer.isClosed) return;
        this.#reader.filled(bytes);
        const turn = budget.spend(bytes, frames);
        if (turn !== undefined) await turn;
      }
    } finally {
      cancelKeepAlive();
      if (this.#isHome) this.metrics.currentHomeConnections--;
      this.#isHome = false;
      this.writer.close();
    }
  }

  /** The wait before the frame at hand may be handled, if any. */
  #pause(pacer: Pacer): Promise<void> | undefined {
    const { buffer, start } = this.#reader;
    // What the header says: an unknown frame is at hand without its payload.
    const payloadBytes = readUint32(buffer, start - 4);
    return pacer.wait(payloadBytes, () => this.writer.isClosed);
  }

  /** Queues a packet `from[start..end)` that the key of `source` has sent. */
  deliver(source: Route, from: Uint8Array, start: number, end: number): void {
    if (source !== this.#lastHeard) {
      this.table.noteHeard(source, this);
      this.#lastHeard = source;
    }
    this.writer.sendPacket(source.key.bytes, from, start, end);
  }

  /** Tells the client that nobody here has the key, if it wasn't told too often. */
  sendNotHere(key: NodePublic): void {
    if (!this.#peerGoneLimit.take()) return;
    this.metrics.peerGoneNotHereFrames++;
    this.writer.sendControl(encodePeerGone(key, PeerGoneReason.NotHere));
  }

  /** Whether this relay is the client's home. */
  get isHome(): boolean {
    return this.#isHome;
  }

  /** Notes whether this relay is the client's home. */
  setHome(isHome: boolean): void {
    if (this.#isHome === isHome) return;
    this.#isHome = isHome;
    this.metrics.currentHomeConnections += isHome ? 1 : -1;
    if (this.#parts.clock.nowMs() - this.#connectedMs <= SETTLED_MS) return;
    if (isHome) this.metrics.homeMovesIn++;
    else this.metrics.homeMovesOut++;
  }

  /** How long it has been connected. */
  get ageMs(): number {
    return this.#parts.clock.nowMs() - this.#connectedMs;
  }

  get remote(): RemoteAddress {
    return this.#conn.remote;
  }

  /** What watchers are told of this session. */
  presence(): PeerPresent {
    const flags = (this.isProber ? PeerPresentFlag.Prober : 0) |
      (this.isMeshPeer ? PeerPresentFlag.MeshPeer : 0) |
      (this.isNotIdeal ? PeerPresentFlag.NotIdeal : 0);
    const { ip, port } = this.#conn.remote;
    return {
      key: this.route.key,
      ip,
      port,
      flags: flags || PeerPresentFlag.Regular,
    };
  }

  /** For operators. */
  traffic(): SessionTraffic {
    return {
      key: this.route.key,
      remote: this.#conn.remote,
      isMeshPeer: this.isMeshPeer,
      admitted: this.admitted,
      since: new Date(this.#parts.clock.date().getTime() - this.ageMs),
      receivedPackets: this.receivedPackets,
      receivedBytes: this.receivedBytes,
      sentPackets: this.writer.sentPackets,
      sentBytes: this.writer.sentBytes,
      droppedPackets: this.writer.droppedPackets,
      senders: this.heard.size,
    };
  }

  /** Sends a KeepAlive every so often; the jitter keeps clients of one restart apart. */
  #keepAlive(): () => void {
    const intervalMs = KEEP_ALIVE_MS + Math.random() * KEEP_ALIVE_JITTER_MS;
    let cancel = () => {};
    const arm = () => {
      cancel = this.#parts.clock.after(intervalMs, () => {
        this.writer.sendControl(KEEP_ALIVE);
        arm();
      });
    };
    arm();
    return () => cancel();
  }
}
