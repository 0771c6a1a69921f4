/** Accepts TCP and TLS connections and hands each on. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { type Clock, delay, type Turn } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import type { Conn } from "./conn.ts";
import { DenoConn } from "./deno_conn.ts";
import { type ListenAddress, listenOn } from "./listen.ts";

import { setListenerOptions, type SocketTimeouts } from "./socket_options.ts";

const log = logger("net");

/** After a failed accept, for example for want of a file descriptor. */
const ACCEPT_RETRY_MS = 100;
/** A full backlog is accepted without a turn of the event loop between, unless we make one. */
const ACCEPTS_PER_TURN = 16;

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
            why: messageOf(error),
          },
        ),
    );
    await delay(clock, ACCEPT_RETRY_MS, this.#stopping.signal);
  }
}

function listen(
  { address, flag, tls }: ListenerOptions,
): Deno.Listener<Deno.TcpConn | Deno.TlsConn> {
  return listenOn(address, { transport: "TCP", flag }, (hostname) => {
    const at = { hostname, port: address.port };
    return tls
      ? Deno.listenTls({ ...at, ...tls, alpnProtocols: ["http/1.1"] })
      : Deno.listen(at);
  });
}
