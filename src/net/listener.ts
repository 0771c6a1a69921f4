/** Accepts TCP and TLS connections and hands each on. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { type Clock, delay, type Turn } from "../util/clock.ts";
import { OperatorError } from "../util/operator_error.ts";
import type { Conn } from "./conn.ts";
import { DenoConn } from "./deno_conn.ts";

import { setListenerOptions, type SocketTimeouts } from "./socket_options.ts";

const log = logger("net");

/** After a failed accept, for example for want of a file descriptor. */
const ACCEPT_RETRY_MS = 100;
/** A full backlog is accepted without a turn of the event loop between, unless we make one. */
const ACCEPTS_PER_TURN = 16;

/** Where to listen. */
export interface ListenAddress {
  /** Undefined: all addresses, IPv4 and IPv6. */
  readonly hostname?: string | undefined;
  readonly port: number;
}

export interface ListenerOptions {
  readonly address: ListenAddress;
  /** The flag that chose the port, for error messages. */
  readonly flag: string;
  /** PEM chain and private key; undefined for plain TCP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly timeouts: SocketTimeouts;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  readonly turn: Turn;
  /** Takes the connection over; must not throw. */
  onConn(conn: Conn): void;
}

/** A bound port and its accept loop. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #listener: Deno.Listener<Deno.TcpConn | Deno.TlsConn>;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;

  /** @throws OperatorError */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#listener = listen(options);
    setListenerOptions(this.port, options.timeouts);
    this.#done = this.#acceptAll();
  }

  /** The port, also where the system chose it. */
  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Stops accepting; connections live on. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#listener.close();
    await this.#done;
  }

  async #acceptAll(): Promise<void> {
    const { signal } = this.#stopping;
    const { turn } = this.#options;
    for (let accepted = 1; !signal.aborted; accepted++) {
      try {
        const conn = await this.#listener.accept();
        this.#options.onConn(new DenoConn(conn));
        if (accepted % ACCEPTS_PER_TURN === 0) await turn.wait();
      } catch (error) {
        if (signal.aborted) return;
        await this.#pause(error);
      }
    }
  }

  async #pause(error: unknown): Promise<void> {
    const { limiter, clock, address } = this.#options;
    limiter.run(
      "accept",
      () =>
        log.error(
          'can\'t accept connections on port {port}: {why}; if it says "too many open files", raise the limit (systemd: LimitNOFILE=)',
          {
            port: address.port,
            why: error instanceof Error ? error.message : String(error),
          },
        ),
    );
    await delay(clock, ACCEPT_RETRY_MS, this.#stopping.signal);
  }
}

function listen(
  options: ListenerOptions,
): Deno.Listener<Deno.TcpConn | Deno.TlsConn> {
  const { address: { hostname, port }, tls } = options;
  const bind = (host: string) => {
    const at = { hostname: host, port };
    return tls
      ? Deno.listenTls({ ...at, ...tls, alpnProtocols: ["http/1.1"] })
      : Deno.listen(at);
  };
  try {
    if (hostname !== undefined) return bind(hostname);
    try {
      return bind("::"); // takes IPv4 too
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) throw error;
      return bind("0.0.0.0"); // a machine without IPv6
    }
  } catch (error) {
    throw new OperatorError(describe(error, options), { cause: error });
  }
}

function describe(error: unknown, { address, flag }: ListenerOptions): string {
  const { hostname = "", port } = address;
  const where = `${
    hostname.includes(":") ? `[${hostname}]` : hostname
  }:${port} (${flag})`;
  if (error instanceof Deno.errors.AddrInUse) {
    return `Cannot listen on ${where}: the port is in use; see "ss -ltnp sport = :${port}" for the program, or choose another port`;
  }
  if (
    error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable
  ) {
    return `Cannot listen on ${where}: no permission for a port under 1024; run as root, or "setcap cap_net_bind_service=+ep" the program, or choose another port`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `Cannot listen on ${where}: this machine doesn't have that address; leave it out to listen on all`;
  }
  return `Cannot listen on ${where}: ${
    error instanceof Error ? error.message : error
  }`;
}
