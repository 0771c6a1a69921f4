/** The relay: every DERP connection from its first byte to its last. */
import type { Admission, Candidate, Verdict } from "../admission/admission.ts";
import type { Reverifier } from "../admission/reverifier.ts";
import { encodeServerInfo } from "../derp/client_info.ts";
import { ProtocolError } from "../derp/errors.ts";
import { FrameType } from "../derp/frame.ts";
import { encodeFrame } from "../derp/messages.ts";
import type { MeshKey } from "../keys/mesh_key.ts";
import type { NodePrivate, NodePublic } from "../keys/node_key.ts";
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { type Conn, isConnectionLost, isTlsError } from "../net/conn.ts";
import { messageOf } from "../util/error_message.ts";
import type { Clock, Turn } from "../util/clock.ts";
import { ChunkPool } from "./chunk_pool.ts";
import { endClients, sayFarewell } from "./farewell.ts";
import {
  type DerpStart,
  HandshakeTimeoutError,
  type Hello,
  shakeHands,
} from "./handshake.ts";
import { HealthNotices } from "./health_notices.ts";
import { RelayMetrics } from "./metrics.ts";
import type { RateLimits } from "./rate_limit.ts";
import { RelayTable } from "./relay_table.ts";
import { Session, type SessionParts } from "./session.ts";
import { WriteBatch } from "./write_batch.ts";
import type { WriteError, WriterParts } from "./writer.ts";

const log = logger("relay");

/** Lines of a minute about clients that were admitted. */
const ADMITTED_IN_FULL = 20;
/** Lines of a minute about clients that were refused, for each reason. */
const REFUSED_IN_FULL = 10;

export interface RelayOptions {
  readonly key: NodePrivate;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  readonly turn: Turn;
  /** Undefined: nobody can be a mesh peer. */
  readonly meshKey?: MeshKey | undefined;
  /** Undefined: everybody is admitted. */
  readonly admission?: Admission | undefined;
  /** Undefined: who is admitted may stay. */
  readonly reverifier?: Pick<Reverifier, "watch"> | undefined;
  /** The command line that asks about one key, for the log lines of refusals. */
  readonly verifyCommand?: ((key: NodePublic) => string) | undefined;
  /** Undefined: clients may send as much as they can. */
  readonly rateLimits?: RateLimits | undefined;
  /** How long a write to a client may take; 0 is for ever. */
  readonly writeTimeoutMs: number;
}

export class Relay {
  readonly metrics: RelayMetrics = new RelayMetrics();
  readonly table: RelayTable;
  /** What clients are told to be wrong. */
  readonly notices: HealthNotices;
  /** For the mesh links, which write as sessions do. */
  readonly writerParts: WriterParts;
  readonly #options: RelayOptions;
  readonly #sessionParts: SessionParts;

  constructor(options: RelayOptions) {
    const { metrics } = this;
    this.#options = options;
    this.table = new RelayTable(options.key.publicKey, metrics);
    const { clock, turn, rateLimits, writeTimeoutMs } = options;
    this.notices = new HealthNotices(this.table, clock);
    metrics.rateLimits = rateLimits;
    this.writerParts = {
      pool: new ChunkPool(),
      batch: new WriteBatch(clock),
      clock,
      metrics,
    };
    this.#sessionParts = {
      ...this.writerParts,
      table: this.table,
      turn,
      rateLimits,
      notices: this.notices,
      writeTimeoutMs,
    };
  }

  get publicKey(): NodePublic {
    return this.#options.key.publicKey;
  }

  /** Serves one connection to its end and closes it. Never rejects. */
  async accept(conn: Conn, start: DerpStart): Promise<void> {
    this.metrics.accepts++;
    if (start.isWebSocket) this.metrics.webSocketAccepts++;
    try {
      const { key, clock, turn } = this.#options;
      const hello = await shakeHands(conn, start, {
        serverKey: key,
        clock,
        turn,
      });
      if (hello === undefined) return;
      const isMeshPeer = this.#isMeshPeer(hello);
      const verdict = isMeshPeer ? undefined : await this.#verify(hello, conn);
      if (verdict?.allow === false) return;
      const session = new Session(conn, this.#sessionParts, {
        hello,
        isMeshPeer,
        admitted: verdict,
        isNotIdeal: start.notIdeal,
        onWriteFailed: (error) => this.#logWriteFailure(conn, error),
      });
      await this.#serve(session, hello);
    } catch (error) {
      this.#logEnd(conn, error);
    } finally {
      conn.close();
    }
  }

  /** Tells every session that the relay stops; resolves within half a second, at once where there is none. */
  async farewell(): Promise<void> {
    const { clock } = this.#options;
    const { notices } = this;
    await sayFarewell([...this.table.sessions()], { clock, notices });
  }

  /** Ends all clients, each with its farewell, evenly over a time; mesh peers stay. Resolves when no client is left. */
  async endClients(overMs: number, clock: Clock): Promise<void> {
    const { notices } = this;
    await endClients(this.table, { clock, notices, overMs });
  }

  async #serve(session: Session, { box }: Hello): Promise<void> {
    using _registration = this.table.register(session);
    const info = box.seal(encodeServerInfo());
    session.writer.sendControl(encodeFrame(FrameType.ServerInfo, info));
    using _notices = this.notices.join(session);
    using _reverified = session.admitted && this.#reverify(session);
    const { remote: { ip }, route: { key } } = session;
    const client = { short: key.shortString(), ip };
    log.debug("{short} from {ip} is connected", client);
    try {
      await session.run();
    } finally {
      log.debug("{short} from {ip} has left", client);
    }
  }

  #reverify({ route: { key }, remote: { ip }, writer }: Session) {
    const end = () => writer.close();
    return this.#options.reverifier?.watch({ key, ip, end });
  }

  /** A wrong mesh key is no error; such a client is like any other (derper's rule). */
  #isMeshPeer({ info }: Hello): boolean {
    const { meshKey } = this.#options;
    return meshKey !== undefined && info.meshKey !== undefined &&
      meshKey.equals(info.meshKey);
  }

  /** Undefined where nobody is verified. */
  async #verify({ key }: Hello, conn: Conn): Promise<Verdict | undefined> {
    const { admission } = this.#options;
    if (admission === undefined) return undefined;
    const candidate = { key, ip: conn.remote.ip };
    const verdict = await admission.admit(candidate);
    this.#logVerdict(candidate, verdict);
    return verdict;
  }

  /** A stranger comes every few seconds, all clients together after an outage: the first few have lines of their own. */
  #logVerdict({ key, ip }: Candidate, verdict: Verdict): void {
    const { limiter, verifyCommand } = this.#options;
    const short = key.shortString();
    if (verdict.allow) {
      const { by, node } = verdict;
      const name = node === undefined ? "" : ` (${node})`;
      limiter.run(
        "admitted",
        (more) =>
          log.info("admitted {short}{name} from {ip} by {by}{more}", {
            short,
            name,
            ip,
            by,
            more,
          }),
        { inFull: ADMITTED_IN_FULL },
      );
    } else {
      const { reason, advice } = verdict;
      const command = verifyCommand?.(key);
      const ask = command === undefined ? "" : `; to ask again: ${command}`;
      limiter.run(
        `refused:${reason}`,
        (more) =>
          log.warn("refused {short} from {ip}: {reason}; {advice}{ask}{more}", {
            short,
            ip,
            reason,
            advice,
            ask,
            more,
          }),
        { inFull: REFUSED_IN_FULL },
      );
    }
  }

  #logWriteFailure(conn: Conn, error: WriteError): void {
    if (error.code === "connection") return; // it has left, as clients do
    const { ip } = conn.remote;
    const kind = `write:${error.code}`;
    this.#options.limiter.run(
      kind,
      (more) =>
        log.info(
          "closed a client that reads too slowly, from {ip}: {why}{more}",
          {
            ip,
            why: error.message,
            more,
          },
        ),
    );
  }

  /** Says why a connection ended, at most once per kind and minute; one that just broke is no news. */
  #logEnd(conn: Conn, error: unknown): void {
    const kind = endKind(error);
    if (kind === undefined) return;
    const { ip } = conn.remote;
    this.#options.limiter.run(
      kind,
      (more) =>
        log.info("ended a connection from {ip}: {why}{more}", {
          ip,
          why: messageOf(error),
          more,
        }),
    );
  }
}

/** The kind of a line about `error`; undefined for a connection that was lost or closed. */
function endKind(error: unknown): string | undefined {
  if (error instanceof ProtocolError) return `protocol:${error.code}`;
  if (error instanceof HandshakeTimeoutError) return "handshake_timeout";
  return isConnectionLost(error) || isTlsError(error)
    ? undefined
    : "unexpected";
}
