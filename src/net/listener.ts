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
import type { UnixSocket } from "./unix_socket.ts";

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
  /** Listens already, in place of a port; without TLS. */
  readonly unix?: UnixSocket | undefined;
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
  /** Whether another process may have the port too, which has been told to share it. */
  readonly reusePort?: boolean | undefined;
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
  #closed: Promise<void> | undefined;

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
      if (!options.reusePort) this.#checkFree();
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

  /**
   * Stops accepting; where another process listens on the port, which has all
   * new connections then, only after those under way have come, for which there
   * is that much time.
   */
  async handOver(withinMs: number): Promise<void> {
    const { clock, unix } = this.#options;
    if (this.#accepting?.socket?.isShared || await unix?.isReplaced()) {
      const waitMs = Math.min(OLD_LISTENER_MS, withinMs);
      await delay(clock, waitMs, this.#stopping.signal);
    }
    await this.close();
  }

  /** Stops accepting; connections live on. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await this.#changing;
    await this.#options.unix?.remove();
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
      this.#accepting.socket?.giveConnectionsTo(0);
    }
  }

  #reportFailure(error: unknown): void {
    const { limiter, report } = this.#options;
    const why = messageOf(error);
    const stays = this.#accepting === undefined ? "" : ", the old one stays";
    if (this.#accepting === undefined) report?.(why);
    limiter.run(
      "new_certificate",
      (more) =>
        log.error("can't serve the new certificate{stays}: {why}{more}", {
          stays,
          why,
          more,
        }),
    );
  }

  /** Binds the port; beside the listener that has it, if there is one. */
  #open(tls: TlsPair | undefined): AcceptLoop {
    const { unix, timeouts } = this.#options;
    if (unix !== undefined) return this.#accept(unix.listener);
    const old = this.#accepting;
    // Who connects before the options are set would be without them.
    old?.socket?.giveConnectionsTo(0);
    const listener = this.#listen((at) =>
      tls === undefined
        ? Deno.listen({ ...at, reusePort: this.#options.reusePort ?? false })
        : Deno.listenTls({
          ...at,
          ...tls,
          alpnProtocols: ["http/1.1"],
          reusePort: true,
        })
    );
    const { hostname, port } = listener.addr as Deno.NetAddr;
    this.#address = { hostname, port };
    const socket = ListenerSocket.open(port, { timeouts, other: old?.socket });
    socket?.giveConnectionsTo(old === undefined ? 0 : 1);
    return this.#accept(listener, socket);
  }

  #accept(listener: Deno.Listener, socket?: ListenerSocket): AcceptLoop {
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
    const { flag, reusePort } = this.#options;
    const use: PortUse = { transport: "TCP", flag, reusePort };
    return listenOn(
      this.#address,
      use,
      (hostname) => bind({ hostname, port }),
    );
  }
}
