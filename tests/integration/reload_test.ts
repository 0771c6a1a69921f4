/** A new certificate while clients come and stay. */
import { noTurn } from "../support/no_turn.ts";
import { derpUpgrade } from "../../src/http/derp_upgrade.ts";
import { NodePrivate } from "../../src/keys/node_key.ts";
import { writeAll } from "../../src/net/conn.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import { type Clock, systemClock } from "../../src/util/clock.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { freePort } from "../support/free_ports.ts";
import { TestClient } from "../support/test_client.ts";
import { TestRelay } from "../support/test_relay.ts";
import {
  isOtherCertificate,
  NEW,
  OLD,
  TlsServer,
} from "../support/tls_server.ts";

/** Longer than an old listener stays. */
const OLD_IS_GONE_MS = 5_000;
const REQUEST = new TextEncoder().encode(
  "GET / HTTP/1.1\r\nHost: derp.test\r\nConnection: close\r\n\r\n",
);

/** Twenty times as fast as time. */
const QUICK: Clock = {
  nowMs: () => systemClock.nowMs() * 20,
  date: () => systemClock.date(),
  after: (delayMs, fn) => systemClock.after(delayMs / 20, fn),
};

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One client that comes, asks for a page and goes. */
async function visit(
  tls: TlsServer,
  { cert, other }: { cert: string; other: "old" | "new" },
): Promise<"old" | "new"> {
  let conn: Deno.TlsConn;
  try {
    conn = await tls.connect({ cert });
  } catch (error) {
    if (isOtherCertificate(error)) return other;
    throw error;
  }
  const page = new Response(conn.readable).text(); // closes it
  await writeAll(new DenoConn(conn), REQUEST);
  const text = await page;
  assert(text.startsWith("HTTP/1.1 200 OK\r\n"), text);
  return other === "old" ? "new" : "old";
}

Deno.test("HttpServer.setTls() lets no handshake fail while 200 clients a second come", async () => {
  await using tls = new TlsServer({ clock: QUICK });
  const seen = { old: 0, new: 0 };
  const failures: unknown[] = [];
  const visits: Promise<void>[] = [];
  let isOver = false;
  const coming = (async () => {
    for (let count = 0; !isOver; count++) {
      const kind = count % 2 === 0
        ? { cert: OLD.cert, other: "new" } as const
        : { cert: NEW.cert, other: "old" } as const;
      visits.push(
        visit(tls, kind).then(
          (served) => void seen[served]++,
          (error) => void failures.push(error),
        ),
      );
      await sleep(5);
    }
  })();
  for (const pair of [NEW, OLD, NEW, OLD, NEW]) {
    await sleep(220); // the old listener is gone after 150
    tls.server.setTls(pair);
  }
  await sleep(220);
  isOver = true;
  await coming;
  await Promise.all(visits);
  assertEquals(failures, []);
  assert(seen.old >= 10 && seen.new >= 10, `${seen.old} and ${seen.new}`);
  assertEquals(await tls.served(), "new");
});

Deno.test("HttpServer.setTls() leaves DERP connections alone", async () => {
  await using relay = new TestRelay();
  const clock = new FakeClock();
  await using tls = new TlsServer({
    clock,
    upgrade: derpUpgrade(relay.relay, clock, noTurn),
  });
  const client = async ({ cert }: { cert: string }) => {
    const conn = new DenoConn(await tls.connect({ cert }));
    return await TestClient.overHttp(conn, { key: NodePrivate.generate() });
  };
  using a = await client(OLD);
  tls.server.setTls(NEW);
  using b = await client(NEW);
  await clock.advance(OLD_IS_GONE_MS);
  for (const [from, to] of [[a, b], [b, a]] as const) {
    const packet = crypto.getRandomValues(new Uint8Array(1400));
    await from.sendPacket(to.publicKey, packet);
    assertEquals((await to.expectPacket()).packet, packet);
  }
});

Deno.test("HttpServer.setTls() serves the new certificate from its return on, and the old one to who came before", async () => {
  const clock = new FakeClock();
  await using tls = new TlsServer({ clock });
  assertEquals(await tls.served(), "old");
  const early = await tls.connectTcp(); // its TLS begins when the old listener is gone
  tls.server.setTls(NEW);
  for (let i = 0; i < 20; i++) assertEquals(await tls.served(), "new");
  await clock.advance(OLD_IS_GONE_MS);
  assertEquals(await tls.served(), "new");
  using conn = await Deno.startTls(early, {
    hostname: "127.0.0.1",
    caCerts: [OLD.cert],
  });
  await conn.handshake();
  tls.server.setTls(OLD);
  for (let i = 0; i < 20; i++) assertEquals(await tls.served(), "old");
});

Deno.test("HttpServer.setTls() changes one at a time, and ends with the last", async () => {
  const clock = new FakeClock();
  await using tls = new TlsServer({ clock });
  tls.server.setTls(NEW);
  tls.server.setTls(NEW);
  tls.server.setTls(OLD);
  assertEquals(await tls.served(), "new");
  await clock.advance(OLD_IS_GONE_MS);
  assertEquals(await tls.served(), "old");
  await clock.advance(OLD_IS_GONE_MS);
  assertEquals(await tls.served(), "old");
});

Deno.test("HttpServer without a certificate waits for its first one", async () => {
  const clock = new FakeClock();
  const port = freePort();
  await using tls = new TlsServer({
    clock,
    tls: "awaited",
    address: { hostname: "127.0.0.1", port },
  });
  assertEquals(tls.reports, ["there is no certificate yet"]);
  await assertRejects(() => tls.connectTcp(), Deno.errors.ConnectionRefused);
  tls.server.setTls(OLD);
  assertEquals([await tls.served(), tls.reports.at(-1)], ["old", undefined]);
  assertEquals([tls.server.port, clock.pending > 0], [port, true]);
});

Deno.test("HttpServer.setTls() keeps the old certificate where the new one can't be served, says so, and goes on trying", async () => {
  await using log = await CapturedLog.start();
  const clock = new FakeClock();
  await using tls = new TlsServer({ clock });
  tls.server.setTls({ cert: "", key: NEW.key });
  assertEquals(await tls.served(), "old");
  await clock.advance(30_000);
  const lines = log.matching("can't serve the new certificate");
  assertEquals(lines.length, 1);
  assert(lines[0]!.includes(", the old one stays: Cannot listen on"), lines[0]);
  assertEquals(tls.reports, []); // as clients can connect
  tls.server.setTls(NEW);
  assertEquals(await tls.served(), "old");
  await clock.advance(10_000);
  assertEquals(await tls.served(), "new");
});

Deno.test("HttpServer reports that its first certificate can't be served", async () => {
  const clock = new FakeClock();
  await using tls = new TlsServer({ clock, tls: "awaited" });
  tls.server.setTls({ cert: OLD.cert, key: "" });
  assert(tls.reports.at(-1)?.startsWith("Cannot listen on TCP 127.0.0.1:0"));
});
