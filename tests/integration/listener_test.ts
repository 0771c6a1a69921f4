/** The TLS port under clients that mean ill, and beside other programs. */
import { OperatorError } from "../../src/util/operator_error.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { OLD, TlsServer } from "../support/tls_server.ts";

/** Waits, in real time, for what the system does; the clock moves on meanwhile. */
async function until(
  what: () => boolean,
  tick: () => Promise<void>,
): Promise<void> {
  for (let tries = 0; !what(); tries++) {
    if (tries > 200) throw new Error(`It never came: ${what}`);
    await tick();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Watches for the end of a connection that the client keeps open. */
function watchEnd(conn: Deno.Conn): { isOver: boolean } {
  const state = { isOver: false };
  conn.read(new Uint8Array(1)).then((bytes) => {
    state.isOver = bytes === null;
  }, () => state.isOver = true);
  return state;
}

Deno.test("Listener takes no port that another program listens on, even one that would share it", () => {
  const hostname = "127.0.0.1";
  for (const reusePort of [true, false]) {
    using other = Deno.listen({ hostname, port: 0, reusePort });
    const { port } = other.addr as Deno.NetAddr;
    for (const tls of [OLD, "awaited"] as const) {
      assertThrows(
        () => new TlsServer({ tls, address: { hostname, port } }),
        OperatorError,
        `Cannot listen on TCP 127.0.0.1:${port} (-a): the port is in use`,
      );
    }
  }
});

Deno.test("Listener takes its port again while connections of before linger", async () => {
  let port: number;
  {
    const tls = new TlsServer();
    port = tls.server.port;
    using conn = await tls.connect(OLD);
    assert(conn);
    await tls[Symbol.asyncDispose](); // the first to close is in TIME_WAIT
  }
  await using again = new TlsServer({
    address: { hostname: "127.0.0.1", port },
  });
  assertEquals(await again.served(), "old");
});

Deno.test("Listener closes connections over its limit at once, and counts them", async () => {
  await using log = await CapturedLog.start();
  const clock = new FakeClock();
  await using tls = new TlsServer({
    clock,
    acceptLimit: { perSecond: 1, burst: 3 },
  });
  const { metrics } = tls.server;
  const counts = () => Object.values(metrics.snapshot());
  for (let i = 0; i < 3; i++) (await tls.connect(OLD)).close();
  await until(() => metrics.accepted === 3, () => Promise.resolve());
  using over = await tls.connectTcp(); // says nothing, and is closed nevertheless
  const end = watchEnd(over);
  await until(() => end.isOver, () => clock.advance(2));
  assertEquals(counts(), [3, 1]);
  assert(log.matching("-accept-connection-limit").length === 1);
  await clock.advance(1_000);
  (await tls.connect(OLD)).close();
  await until(() => metrics.accepted === 4, () => Promise.resolve());
  assertEquals(counts(), [4, 1]);
  assertEquals(Object.keys(metrics.snapshot()), [
    "tls_listener_counter_accepted_connections",
    "tls_listener_counter_rejected_connections",
  ]);
});

Deno.test("Listener has no limit where there is none a second", async () => {
  await using tls = new TlsServer({
    acceptLimit: { perSecond: Infinity, burst: 0 },
  });
  for (let i = 0; i < 5; i++) (await tls.connect(OLD)).close();
  assertEquals(tls.server.metrics.rejected, 0);
});

Deno.test("HttpServer ends a TLS connection on which no handshake comes", async () => {
  const clock = new FakeClock();
  await using tls = new TlsServer({ clock });
  using silent = await tls.connectTcp();
  using half = await tls.connectTcp();
  await half.write(Uint8Array.of(0x16, 3, 1, 0x0f)); // as a ClientHello begins
  const ends = [watchEnd(silent), watchEnd(half)];
  await until(() => tls.server.metrics.accepted === 2, () => Promise.resolve());
  assert(ends.every(({ isOver }) => !isOver));
  await until(
    () => ends.every(({ isOver }) => isOver),
    () => clock.advance(5_000),
  );
  using alive = await tls.connect(OLD);
  assert(alive);
});

Deno.test("HttpServer.close() ends a TLS connection on which no handshake comes", async () => {
  const tls = new TlsServer();
  using silent = await tls.connectTcp();
  const end = watchEnd(silent);
  await until(() => tls.server.metrics.accepted === 1, () => Promise.resolve());
  await tls[Symbol.asyncDispose]();
  await until(() => end.isOver, () => Promise.resolve());
});
