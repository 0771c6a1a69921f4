/** `serveHttp` on real TCP. */
import {
  type HttpEnd,
  type HttpOptions,
  serveHttp,
} from "../../src/http/connection.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";

/** A running server. */
export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** How each connection ended, in the order they did. */
  readonly ends: readonly HttpEnd[];
}

/** Listens on 127.0.0.1; disposing waits for the connections to end. */
export function startHttpServer(options: HttpOptions): HttpServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ends: HttpEnd[] = [];
  const running = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const conn of listener) {
      const served = serveHttp(new DenoConn(conn), options).then((end) => {
        ends.push(end);
        running.delete(served);
      });
      running.add(served);
    }
  })();
  return {
    port: listener.addr.port,
    ends,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(running);
    },
  };
}
