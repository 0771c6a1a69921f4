/** What the kernel tells of connections. */
import { writeAll } from "../../src/net/conn.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import { LoopTurn } from "../../src/net/loop_turn.ts";
import { TcpState } from "../../src/net/tcp_state.ts";
import { systemClock } from "../../src/util/clock.ts";
import { assert, assertEquals } from "../support/assert.ts";

const HOST = "127.0.0.1";
/** Long enough for any machine, so that it plays no role. */
const WITHIN_MS = 60_000;

/** Both ends of a TCP connection; the first can be asked. */
async function withPair(
  fn: (server: DenoConn, client: DenoConn, state: TcpState) => Promise<void>,
): Promise<void> {
  const turn = new LoopTurn();
  const tcpState = new TcpState(systemClock, turn);
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  const [accepted, connected] = await Promise.all([
    listener.accept(),
    Deno.connect({ hostname: HOST, port: listener.addr.port }),
  ]);
  const server = new DenoConn(accepted, { tcpState });
  const client = new DenoConn(connected);
  try {
    await fn(server, client, tcpState);
  } finally {
    server.close();
    client.close();
    tcpState.close();
    turn.close();
  }
}

const linux = { ignore: Deno.build.os !== "linux" };

Deno.test(
  "DenoConn.isDraining() is true for a client that reads",
  linux,
  () =>
    withPair(async (server, client) => {
      await writeAll(server, new Uint8Array(1000));
      await client.read(new Uint8Array(1000));
      assert(await server.isDraining(WITHIN_MS));
      assert(await server.isDraining(WITHIN_MS)); // the descriptor is known now
    }),
);

Deno.test(
  "DenoConn.isDraining() is false for a client that doesn't read",
  linux,
  () =>
    withPair(async (server) => {
      const fill = writeAll(server, new Uint8Array(64 * 1024 * 1024));
      fill.catch(() => {}); // ends with the connection
      while (await server.isDraining(WITHIN_MS)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }),
);

Deno.test(
  "DenoConn.isDraining() is false after close()",
  linux,
  () =>
    withPair(async (server, client) => {
      await writeAll(server, new Uint8Array(1000));
      await client.read(new Uint8Array(1000));
      const asked = server.isDraining(WITHIN_MS);
      server.close();
      assert(!await asked);
    }),
);

Deno.test(
  "TcpState finds no connection that isn't there, and answers many at once",
  linux,
  () =>
    withPair(async (server, _client, state) => {
      const port = 1;
      const remote = server.remote;
      const questions = [
        state.find({ port, remote }),
        state.find({ port, remote }),
        state.find({ port, remote: { ip: "203.0.113.1", port: 1 } }),
        state.find({ port, remote: { ip: "", port: 1 } }),
      ];
      assertEquals(new Set(await Promise.all(questions)), new Set([undefined]));
    }),
);

Deno.test(
  "TcpState.close() answers who still waits",
  linux,
  () =>
    withPair(async (server, _client, state) => {
      const asked = server.isDraining(WITHIN_MS);
      state.close();
      assertEquals([await asked, await server.isDraining(WITHIN_MS)], [
        false,
        false,
      ]);
    }),
);
