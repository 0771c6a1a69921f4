/** The relay's HTTPS port in this process, and a client's look at its certificate. */
import type { HttpServerOptions } from "../../src/http/server.ts";
import { HttpServer } from "../../src/http/server.ts";
import { LogLimiter } from "../../src/log/limited.ts";
import { LoopTurn } from "../../src/net/loop_turn.ts";
import { systemClock } from "../../src/util/clock.ts";
import { type KeyFixture, KEYS } from "./certs/keys.ts";

const HOST = "127.0.0.1";

/** Two pairs for one host that a client can tell apart, as it trusts only one of them at a time. */
export const [OLD, NEW]: [KeyFixture, KeyFixture] = [KEYS[2]!, KEYS[6]!];

/** A running server on a free port; every page is "ok". */
export class TlsServer implements AsyncDisposable {
  readonly server: HttpServer;
  readonly #turn = new LoopTurn();
  readonly #limiter = new LogLimiter(systemClock);
  /** What it reported. */
  readonly reports: (string | undefined)[] = [];

  constructor(options: Partial<HttpServerOptions> = {}) {
    try {
      this.server = new HttpServer({
        address: { hostname: HOST, port: 0 },
        flag: "-a",
        tls: OLD,
        timeouts: { keepAliveMs: 600_000, userTimeoutMs: 15_000 },
        clock: systemClock,
        limiter: this.#limiter,
        turn: this.#turn,
        handler: () => new Response("ok"),
        report: (problem) => this.reports.push(problem),
        ...options,
      });
    } catch (error) {
      this.#turn.close();
      throw error;
    }
  }

  /** A TLS handshake with a client that trusts one of the pairs. */
  async connect({ cert }: { cert: string }): Promise<Deno.TlsConn> {
    const { port } = this.server;
    const conn = await Deno.connectTls({
      hostname: HOST,
      port,
      caCerts: [cert],
    });
    try {
      await conn.handshake();
      return conn;
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  /** A plain TCP connection to the port. */
  connectTcp(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: HOST, port: this.server.port });
  }

  /** Which certificate a new connection gets; throws when it gets none. */
  async served(): Promise<"old" | "new"> {
    try {
      (await this.connect(OLD)).close();
      return "old";
    } catch (error) {
      if (!isOtherCertificate(error)) throw error;
      return "new";
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    this.#limiter.close();
    this.#turn.close();
  }
}

/** Whether a handshake went as it should, but for a certificate that the client doesn't trust. */
export function isOtherCertificate(error: unknown): boolean {
  return error instanceof Deno.errors.InvalidData &&
    error.message.includes("invalid peer certificate");
}
