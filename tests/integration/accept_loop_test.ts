/** Clients that leave before they are accepted, as the checks of load balancers do. */
import { LogLimiter } from "../../src/log/limited.ts";
import { AcceptLoop } from "../../src/net/accept_loop.ts";
import { boundSockets, bytesOf, openLibc, portOf } from "../../src/net/libc.ts";
import { ListenerMetrics } from "../../src/net/listener_metrics.ts";
import { assertEquals } from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { noTurn } from "../support/no_turn.ts";

const HOST = "127.0.0.1";
const SOL_SOCKET = 1;
const SO_LINGER = 13;

/** Closes a connection so that the other end is told that it broke. */
function reset(conn: Deno.TcpConn): void {
  using libc = openLibc();
  for (const { descriptor, address } of boundSockets(libc, "connection")) {
    if (portOf(address) !== conn.localAddr.port) continue;
    const atOnce = bytesOf(Int32Array.of(1, 0)); // struct linger
    libc.symbols.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, atOnce, 8);
  }
  conn.close();
}

Deno.test("AcceptLoop accepts who waits behind clients that have left, at once", async () => {
  await using log = await CapturedLog.start();
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr;
  for (let i = 0; i < 40; i++) {
    reset(await Deno.connect({ hostname: HOST, port }));
  }
  using conn = await Deno.connect({ hostname: HOST, port });
  const clock = new FakeClock(); // stands still: a pause would never end
  const accepted = Promise.withResolvers<number>();
  const loop = new AcceptLoop(listener, undefined, {
    limit: undefined,
    metrics: new ListenerMetrics(),
    connParts: {},
    clock,
    limiter: new LogLimiter(clock),
    turn: noTurn,
    onConn(conn) {
      conn.close();
      accepted.resolve(conn.remote.port);
    },
  });
  assertEquals(await accepted.promise, conn.localAddr.port);
  assertEquals(log.lines, []);
  await loop.close();
});
