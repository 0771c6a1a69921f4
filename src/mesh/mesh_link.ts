/** One relay of the mesh that we dial: we learn its clients from it and send their packets there. */
import { messageOf } from "../util/error_message.ts";
import { FrameType } from "../derp/frame.ts";
import type { FrameReader } from "../derp/frame_reader.ts";
import {
  decodePeerPresent,
  encodePong,
  WATCH_CONNS,
} from "../derp/messages.ts";
import type { MeshKey } from "../keys/mesh_key.ts";
import { type NodePrivate, NodePublic } from "../keys/node_key.ts";
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { type Conn, ConnectionLostError } from "../net/conn.ts";
import type { PacketForwarder } from "../relay/forwarder.ts";
import type { RelayTable } from "../relay/relay_table.ts";
import { Writer, type WriterParts } from "../relay/writer.ts";
import { type Clock, delay, type Turn } from "../util/clock.ts";
import { TurnBudget } from "../util/turn_budget.ts";
import { introduce, upgradeToDerp } from "./derp_client.ts";
import { withAdvice } from "./link_advice.ts";
import { LinkHistory, type LinkStatus } from "./link_status.ts";
import { RoundTrip } from "./round_trip.ts";

const log = logger("mesh");

/** derper's. */
const RETRY_MS = 5_000;
/** For dialling, TLS, upgrade and handshake together. */
const CONNECT_TIMEOUT_MS = 15_000;
/** A relay sends a KeepAlive at least every 65 s. */
const SILENCE_MS = 120_000;
const WRITE_TIMEOUT_MS = 30_000;
/** Of a link, in a minute. */
const LINES_IN_FULL = 6;
/** WatchConns, Pings and Pongs. */
const CONTROL_LIMIT_BYTES = 64 * 1024;

export interface MeshLinkOptions {
  /** Name and port as the operator wrote them, for the Host header and for log lines. */
  readonly host: string;
  readonly key: NodePrivate;
  readonly meshKey: MeshKey;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  readonly turn: Turn;
  readonly table: RelayTable;
  readonly writerParts: WriterParts;
  /** Connects with verified TLS; rejects when the signal aborts. */
  dial(signal: AbortSignal): Promise<Conn>;
}

export class MeshLink implements PacketForwarder {
  readonly #options: MeshLinkOptions;
  readonly #stopping = new AbortController();
  #ending = new AbortController();
  /** The keys that the other relay has. */
  readonly #present = new Map<string, NodePublic>();
  #writer: Writer | undefined;
  /** How far the connection at hand, or the last one, has come. */
  #state: "connecting" | "asking" | "linked" = "connecting";
  readonly #history: LinkHistory;
  #roundTrip: RoundTrip | undefined;

  constructor(options: MeshLinkOptions) {
    this.#options = options;
    this.#history = new LinkHistory(options.clock);
  }

  /** For operators. */
  get status(): LinkStatus {
    const { state, since, lastError } = this.#history;
    return {
      host: this.#options.host,
      state,
      since,
      clients: this.#present.size,
      roundTripMs: this.#roundTrip?.ms,
      lastError,
    };
  }

  forwardPacket(
    source: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#writer?.forwardPacket(source, from, start, end);
  }

  /** Keeps the link up until `stop()`, or until it finds that it leads to ourselves. Never rejects. */
  async run(): Promise<void> {
    const { host, clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (await this.#connectOnce() === "self") {
          log.info("{host} is this relay itself; no link needed", { host });
          this.#history.note("self");
          return;
        }
      } catch (error) {
        this.#logFailure(error);
      }
      await delay(clock, RETRY_MS, signal);
    }
  }

  stop(): void {
    this.#stopping.abort();
    this.#ending.abort();
  }

  /** Ends the connection at hand, also one that is being made. */
  #end(why: string): void {
    this.#ending.abort(new ConnectionLostError(why));
  }

  /** One connection from dialling to its end; throws why it ended. */
  async #connectOnce(): Promise<"self"> {
    const { clock, key, dial } = this.#options;
    this.#state = "connecting";
    const { signal } = this.#ending = new AbortController();
    const cancelTimeout = clock.after(
      CONNECT_TIMEOUT_MS,
      () => this.#end(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`),
    );
    let conn: Conn | undefined;
    try {
      const dialled = conn = await dial(signal);
      signal.throwIfAborted(); // too late to hear of it below
      signal.addEventListener("abort", () => dialled.close());
      const hello = await upgradeToDerp(conn, this.#options);
      if (hello.serverKey.equals(key.publicKey)) return "self";
      await introduce(conn, hello, this.#options);
      cancelTimeout();
      await this.#follow(conn, hello.reader);
      throw new ConnectionLostError("the other relay closed the connection");
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      cancelTimeout();
      this.#forgetAll();
      conn?.close();
    }
  }

  /** Follows who is connected there until the connection ends. */
  async #follow(conn: Conn, reader: FrameReader): Promise<void> {
    const { writerParts, clock, turn } = this.#options;
    this.#writer = new Writer(conn, writerParts, {
      timeoutMs: WRITE_TIMEOUT_MS,
      controlLimitBytes: CONTROL_LIMIT_BYTES,
      countsSent: false,
      onFailed: ({ message, cause }) =>
        this.#end(cause instanceof Error ? cause.message : message),
    });
    this.#writer.sendControl(WATCH_CONNS);
    this.#state = "asking";
    const budget = new TurnBudget(turn);
    for (;;) {
      let frames = 0;
      for (; reader.next(); frames++) this.#handle(reader);
      const cancelSilence = clock.after(
        SILENCE_MS,
        () => this.#end(`nothing heard for ${SILENCE_MS / 1000} s`),
      );
      try {
        const bytes = await conn.read(reader.space());
        if (bytes === null) return;
        reader.filled(bytes);
        await budget.spend(bytes, frames);
      } finally {
        cancelSilence();
      }
    }
  }

  #handle(frame: FrameReader): void {
    const { table } = this.#options;
    switch (frame.type) {
      case FrameType.PeerPresent: {
        const { key } = decodePeerPresent(frame.payload());
        this.#noteLinked();
        this.#present.set(key.hex(), key);
        return table.addForwarder(key, this);
      }
      case FrameType.PeerGone: { // has left, or is not there for a packet that we forwarded
        const key = NodePublic.fromBytes(frame.payload());
        this.#present.delete(key.hex());
        return table.removeForwarder(key, this);
      }
      case FrameType.Ping:
        return this.#writer?.sendControl(encodePong(frame.payload()));
      case FrameType.Pong:
        return this.#roundTrip?.pong(frame.payload());
      default: // KeepAlive, Health and what is to come: nothing to do
    }
  }

  /** The first client that we are told of, if only ourselves, shows that our mesh key is right. */
  #noteLinked(): void {
    if (this.#state === "linked") return;
    this.#state = "linked";
    this.#history.note("linked");
    const writer = this.#writer;
    this.#roundTrip = new RoundTrip(
      this.#options.clock,
      (ping) => writer?.sendControl(ping),
    );
    this.#tell((host, more) =>
      log.info("linked to {host}{more}", { host, more })
    );
  }

  #forgetAll(): void {
    const { table } = this.#options;
    this.#roundTrip?.[Symbol.dispose]();
    this.#roundTrip = undefined;
    this.#writer?.close();
    this.#writer = undefined;
    for (const key of this.#present.values()) table.removeForwarder(key, this);
    this.#present.clear();
  }

  #logFailure(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const what = messageOf(error);
    const why = this.#state === "asking"
      ? `${what}; does it have the same mesh key?`
      : withAdvice(what);
    const isNews = why !== this.#history.lastError;
    this.#history.note("down", why);
    if (!isNews) return;
    this.#tell((host, more) =>
      log.warn("no link to {host}: {why}; trying again every 5 s{more}", {
        host,
        why,
        more,
      })
    );
  }

  /** A link that comes and goes has a few lines a minute. */
  #tell(write: (host: string, more: string) => void): void {
    const { host, limiter } = this.#options;
    limiter.run(`mesh:${host}`, (more) => write(host, more), {
      inFull: LINES_IN_FULL,
    });
  }
}
