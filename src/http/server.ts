/** One TCP port: its listener, and HTTP on every connection. */
import type { Conn } from "../net/conn.ts";
import {
  Listener,
  type ListenerOptions,
  type TlsPair,
} from "../net/listener.ts";
import type { ListenerMetrics } from "../net/listener_metrics.ts";
import { ClientAddresses, type TrustedProxies } from "./client_address.ts";
import {
  type HttpHandler,
  serveHttp,
  type UpgradeHandler,
} from "./connection.ts";
import { logEnd } from "./log_end.ts";

export interface HttpServerOptions extends Omit<ListenerOptions, "onConn"> {
  readonly handler: HttpHandler;
  readonly upgrade?: UpgradeHandler | undefined;
  /** Who may say whose requests are; absent: nobody. */
  readonly trustedProxies?: TrustedProxies | undefined;
}

/** A port, and all connections that came by it. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #listener: Listener;
  readonly #clients: ClientAddresses;
  /** Every connection that is not over, upgraded or not, and what serves it. */
  readonly #open = new Map<Conn, Promise<void>>();

  /** @throws OperatorError */
  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#clients = new ClientAddresses(options.trustedProxies);
    this.#listener = new Listener({
      ...options,
      onConn: (conn) => this.#open.set(conn, this.#serve(conn)),
    });
  }

  /** The port, also where the system chose it. */
  get port(): number {
    return this.#listener.port;
  }

  /** What the port counts. */
  get metrics(): ListenerMetrics {
    return this.#listener.metrics;
  }

  /** Serves this certificate from now on; never throws, and open connections live on. */
  setTls(pair: TlsPair): void {
    this.#listener.setTls(pair);
  }

  /** Stops accepting, in favour of another process that listens on the port, if there is one; connections live on. */
  handOver(withinMs: number): Promise<void> {
    return this.#listener.handOver(withinMs);
  }

  /** Stops accepting, closes all connections and waits for them to end. */
  async close(): Promise<void> {
    await this.#listener.close();
    for (const conn of this.#open.keys()) conn.close();
    await Promise.all(this.#open.values());
    await this.#listener.endUnfinished();
  }

  async #serve(conn: Conn): Promise<void> {
    const { clock, turn, tls, handler, upgrade } = this.#options;
    const secure = tls !== undefined;
    const end = await serveHttp(conn, {
      clock,
      turn,
      secure,
      handler,
      upgrade,
      clients: this.#clients,
    });
    this.#open.delete(conn);
    logEnd(this.#options.limiter, conn.remote, end);
  }
}
