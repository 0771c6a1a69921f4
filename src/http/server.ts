/** One TCP port: its listener, and HTTP on every connection. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import {
  type Conn,
  isConnectionLost,
  isTlsError,
  type RemoteAddress,
} from "../net/conn.ts";
import {
  Listener,
  type ListenerOptions,
  type TlsPair,
} from "../net/listener.ts";
import type { ListenerMetrics } from "../net/listener_metrics.ts";
import {
  type HttpEnd,
  type HttpHandler,
  serveHttp,
  type UpgradeHandler,
} from "./connection.ts";

const log = logger("http");

export interface HttpServerOptions extends Omit<ListenerOptions, "onConn"> {
  readonly handler: HttpHandler;
  readonly upgrade?: UpgradeHandler | undefined;
}

/** A port, and all connections that came by it. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #listener: Listener;
  /** Every connection that is not over, upgraded or not, and what serves it. */
  readonly #open = new Map<Conn, Promise<void>>();

  /** @throws OperatorError */
  constructor(options: HttpServerOptions) {
    this.#options = options;
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
    });
    this.#open.delete(conn);
    logEnd(this.#options.limiter, conn.remote, end);
  }
}

/** One line per kind and minute of what an operator may have to act on. */
function logEnd(
  limiter: LogLimiter,
  { ip }: RemoteAddress,
  end: HttpEnd,
): void {
  if (end.kind === "refused") {
    const { status, reason } = end;
    limiter.run(`refused:${status}`, (more) =>
      log.info(
        "refused a request from {ip} with {status}: {reason}{more}",
        { ip, status, reason, more },
      ));
  } else if (end.kind === "page_failed") {
    limiter.run(
      "page_failed",
      () =>
        log.error("a page failed, the client got a 500: {error}", {
          error: end.error,
        }),
    );
  } else if (end.kind === "broken" && isTlsError(end.error)) {
    const why = (end.error as Error).message;
    limiter.run("tls", (more) =>
      log.info(
        "TLS failed with {ip}: {why}{more}",
        { ip, why, more },
      ));
  } else if (end.kind === "broken" && !isConnectionLost(end.error)) {
    limiter.run(
      "broken",
      () =>
        log.error("a connection from {ip} failed: {error}", {
          ip,
          error: end.error,
        }),
    );
  }
}
