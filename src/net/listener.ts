/** A TCP or TLS port, which may change its certificate. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { type Clock, delay, type Turn } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { TokenBucket } from "../util/token_bucket.ts";
import { AcceptLoop } from "./accept_loop.ts";
import type { Conn } from "./conn.ts";
import { type ListenAddress, listenOn, type PortUse } from "./listen.ts";
import { ListenerMetrics } from "./listener_metrics.ts";
import { ListenerSocket } from "./listener_socket.ts";
import type { SocketTimeouts } from "./socket_options.ts";
import { TcpState } from "./tcp_state.ts";
import { UnfinishedTls } from "./unfinished_tls.ts";

const log = logger("net");

/** How long a listener with an old certificate stays: for who has begun to connect, with one packet lost. */
const OLD_LISTENER_MS = 3_000;
/** After a new certificate couldn't be listened with, for example for want of a file descriptor. */
const RETRY_MS = 10_000;

/** PEM chain and private key. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface ListenerOptions {
  readonly address: ListenAddress;
  /** The flag that chose the port, for error messages. */
  readonly flag: string;
  /** Undefined for plain TCP; "awaited" where `setTls` brings the first certificate. */
  readonly tls?: TlsPair | "awaited" | undefined;
  /** New connections; those over the limit are closed at once. */
  readonly acceptLimit?:
    | { readonly perSecond: number; readonly burst: number }
    | undefined;
  readonly timeouts: SocketTimeouts;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  readonly turn: Turn;
  /** Told why nobody can connect, and undefined when it works (again). */
  readonly report?: ((problem: string | undefined) => void) | undefined;
  /** Takes the connection over; must not throw. */
  onConn(conn: Conn): void;
}

/**
 * A bound port. The runtime's listeners can't change their certificate, so a
 * new one comes with a new listener on the same port: it gets all new
 * connections from its first moment, and the old one stays for those under way.
 */
export class Listener {
  readonly metrics: ListenerMetrics = new ListenerMetrics();
  readonly #options: ListenerOptions;
  readonly #limit: TokenBucket | undefined;
  readonly #unfinished: UnfinishedTls | undefined;
  readonly #tcpState: TcpState;
  readonly #stopping = new AbortController();
  /** Where it has been bound; what is bound later has to be the same. */
  #address: ListenAddress;
  #accepting: AcceptLoop | undefined;
  /** What `setTls` brought and isn't served yet. */
  #nextTls: TlsPair | undefined;
  #changing: Promise<void> | undefined;

  /** @throws OperatorError */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#address = options.address;
    const { acceptLimit, clock, tls } = options;
    this.#tcpState = new TcpState(clock, options.turn);
    if (acceptLimit !== undefined && acceptLimit.perSecond < Infinity) {
      this.#limit = new TokenBucket(clock, acceptLimit);
    }
    if (tls !== undefined) {
      this.#unfinished = new UnfinishedTls(clock, options.turn);
      this.#checkFree();
    }
    if (tls === "awaited") {
      options.report?.("there is no certificate yet");
    } else {
      this.#accepting = this.#open(tls);
    }
  }

  /** The port, also where the system chose it; 0 where it hasn't yet. */
  get port(): number {
    return this.#address.port;
  }

  /**
   * Serves this certificate from now on; open connections live on. Where the
   * port can't be bound again, the old certificate stays, a log line says why,
   * and it is tried again until it works.
   */
  setTls(pair: TlsPair): void {
    this.#nextTls = pair;
    this.#changing ??= this.#change().finally(() => {
      this.#changing = undefined;
    });
  }

  /** Stops accepting; connections live on. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#changing;
    await this.#accepting?.close();
  }

  /** To be called when all connections are closed: ends those that never got through their TLS handshake. */
  async endUnfinished(): Promise<void> {
    this.#tcpState.close();
    await this.#unfinished?.end();
  }

  /** One change at a time, so that there are never more than two listeners. */
  async #change(): Promise<void> {
    const { clock, report } = this.#options;
    const { signal } = this.#stopping;
    while (this.#nextTls !== undefined && !signal.aborted) {
      const old = this.#accepting;
      try {
        this.#accepting = this.#open(this.#nextTls);
      } catch (error) {
        this.#reportFailure(error);
        await delay(clock, RETRY_MS, signal);
        continue;
      }
      this.#nextTls = undefined;
      report?.(undefined);
      if (old === undefined) continue;
      await delay(clock, OLD_LISTENER_MS, signal);
      await old.close();
    }
  }

  #reportFailure(error: unknown): void {
    const { limiter, report } = this.#options;
    const why = messageOf(error);
    const stays = this.#accepting === undefined ? "" : ", the old one stays";
    if (this.#accepting === undefined) report?.(why);
    limiter.run(
      "new_certificate",
      () =>
        log.error("can't serve the new certificate{stays}: {why}", {
          stays,
          why,
        }),
    );
  }

  /** Binds the port; beside the listener that has it, if there is one. */
  #open(tls: TlsPair | undefined): AcceptLoop {
    const old = this.#accepting;
    // Who connects before the options are set would be without them.
    old?.socket?.giveConnectionsTo(0);
    const listener = this.#listen((at) =>
      tls === undefined ? Deno.listen(at) : Deno.listenTls({
        ...at,
        ...tls,
        alpnProtocols: ["http/1.1"],
        reusePort: true,
      })
    );
    const { hostname, port } = listener.addr as Deno.NetAddr;
    this.#address = { hostname, port };
    const { timeouts } = this.#options;
    const socket = ListenerSocket.open(port, { timeouts, other: old?.socket });
    socket?.giveConnectionsTo(1);
    return new AcceptLoop(listener, socket, {
      ...this.#options,
      limit: this.#limit,
      metrics: this.metrics,
      connParts: { unfinished: this.#unfinished, tcpState: this.#tcpState },
    });
  }

  /** A port that may be bound twice may be bound by two relays as well: finds out whether anybody has it. */
  #checkFree(): void {
    if (this.port === 0) return;
    this.#listen((at) => Deno.listen(at)).close();
  }

  #listen<T>(bind: (at: { hostname: string; port: number }) => T): T {
    const { port } = this.#address;
    const use: PortUse = { transport: "TCP", flag: this.#options.flag };
    return listenOn(
      this.#address,
      use,
      (hostname) => bind({ hostname, port }),
    );
  }
}
