/** Accepts the connections of one bound port and hands each on. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { type Clock, delay, type Turn } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import type { TokenBucket } from "../util/token_bucket.ts";
import type { Conn } from "./conn.ts";
import { DenoConn, type DenoConnParts } from "./deno_conn.ts";
import type { ListenerMetrics } from "./listener_metrics.ts";
import type { ListenerSocket } from "./listener_socket.ts";

const log = logger("net");

/** After a failed accept, for example for want of a file descriptor. */
const ACCEPT_RETRY_MS = 100;
/**
 * A full backlog is accepted without a turn of the event loop between, unless we
 * make one. Each costs up to 1 ms until it is a session, so with 16 a turn those
 * who are here waited twice as long in a storm of 5,000 (p99 121 ms, now 65).
 */
const ACCEPTS_PER_TURN = 4;
/** While the limit is reached, who waits is turned away this often. */
const REFUSE_EVERY_MS = 50;

/** What the loops of one listener share. */
export interface AcceptLoopOptions {
  /** Undefined: no limit. */
  readonly limit: TokenBucket | undefined;
  readonly metrics: ListenerMetrics;
  readonly connParts: DenoConnParts;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  readonly turn: Turn;
  /** Takes the connection over; must not throw. */
  onConn(conn: Conn): void;
}

/** Runs until it is closed. */
export class AcceptLoop {
  readonly socket: ListenerSocket | undefined;
  readonly #listener: Deno.Listener;
  readonly #options: AcceptLoopOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;

  /** Owns the listener, and its descriptor where that is known. */
  constructor(
    listener: Deno.Listener,
    socket: ListenerSocket | undefined,
    options: AcceptLoopOptions,
  ) {
    this.#listener = listener;
    this.socket = socket;
    this.#options = options;
    this.#done = this.#acceptAll();
  }

  /** Stops accepting; connections live on. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.socket?.close();
    this.#listener.close();
    await this.#done;
  }

  async #acceptAll(): Promise<void> {
    const { signal } = this.#stopping;
    const { turn } = this.#options;
    for (let accepted = 1; !signal.aborted; accepted++) {
      try {
        await this.#refuse();
        if (signal.aborted) return;
        this.#take(await this.#listener.accept());
      } catch (error) {
        if (signal.aborted) return;
        if (!hasLeft(error)) await this.#pause(error);
      }
      if (accepted % ACCEPTS_PER_TURN === 0) await turn.wait();
    }
  }

  #take(accepted: Deno.Conn): void {
    const { limit, metrics, connParts, onConn } = this.#options;
    const conn = new DenoConn(accepted, connParts);
    if (limit?.take() === false) {
      conn.close();
      this.#countRefused(1);
    } else {
      metrics.accepted++;
      onConn(conn);
    }
  }

  /** Turns clients away while the limit is reached: as they notice, they wait before they come again. */
  async #refuse(): Promise<void> {
    const { limit, clock } = this.#options;
    const { signal } = this.#stopping;
    while (limit?.isEmpty() && this.socket !== undefined && !signal.aborted) {
      this.#countRefused(this.socket.refuseWaiting());
      await delay(clock, REFUSE_EVERY_MS, signal);
    }
  }

  #countRefused(count: number): void {
    if (count === 0) return;
    this.#options.metrics.rejected += count;
    this.#options.limiter.run("accept_limit", (_more, count) =>
      log.warn(
        "closed {count} new connections at once, for more came in a second than -accept-connection-limit; if they were clients of yours, raise it",
        { count },
      ), { times: count });
  }

  async #pause(error: unknown): Promise<void> {
    const { limiter, clock } = this.#options;
    const address = this.#listener.addr as Deno.NetAddr | Deno.UnixAddr;
    limiter.run(
      "accept",
      (more) =>
        log.error(
          'can\'t accept connections on {where}: {why}; if it says "too many open files", raise the limit (systemd: LimitNOFILE=){more}',
          {
            more,
            where: "path" in address
              ? "the unix socket"
              : `port ${address.port}`,
            why: messageOf(error),
          },
        ),
    );
    await delay(clock, ACCEPT_RETRY_MS, this.#stopping.signal);
  }
}

/** Whether a client was gone before it was accepted, as a load balancer's check is: others wait behind it. */
function hasLeft(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.ConnectionReset;
}
