/** How `serveHttp` hands a connection over. */
import { noTurn } from "../../support/no_turn.ts";
import {
  type HttpEnd,
  serveHttp,
  type UpgradeHandler,
} from "../../../src/http/connection.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { connPair } from "../../support/conn_pair.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { bytes, exchange, send, serve } from "../../support/http_exchange.ts";

const UPGRADE =
  "GET /derp HTTP/1.1\r\nHost: relay.test\r\nUpgrade: DERP\r\n\r\n";
const BINARY = "\x00\xff\r\n\r\n\x80GET / HTTP/1.1\r\n";

Deno.test("serveHttp() hands over what came behind the head, untouched and once", async () => {
  for (
    const maxReadBytes of [1, 7, UPGRADE.length, UPGRADE.length + 3, 10_000]
  ) {
    let taken: Promise<Uint8Array> | undefined;
    const upgrade: UpgradeHandler = async (head, conn, rest) => {
      assertEquals([head.method, head.target, head.header("upgrade")], [
        "GET",
        "/derp",
        "DERP",
      ]);
      assertEquals(rest.buffer.byteLength, rest.length); // the buffer it was read into is free
      const { promise, resolve } = Promise.withResolvers<Uint8Array>();
      taken = promise;
      const later = new Uint8Array(100);
      let filled = 0;
      for (
        let n: number | null = 0;
        n !== null;
        n = await conn.read(later.subarray(filled))
      ) filled += n;
      resolve(Uint8Array.from([...rest, ...later.subarray(0, filled)]));
      conn.close();
    };
    const { responses, end } = await exchange(UPGRADE + BINARY, { upgrade }, {
      maxReadBytes,
    });
    assertEquals(responses, []);
    assertEquals(await taken, bytes(BINARY));
    assertEquals(end, { kind: "upgraded" });
  }
});

Deno.test("serveHttp() ends with the one that took over, and leaves it no timer and no read", async () => {
  const session = Promise.withResolvers<void>();
  using served = serve({ upgrade: () => session.promise });
  let end: HttpEnd | undefined;
  served.end.then((value) => end = value);
  await send(served, UPGRADE);
  await served.clock.advance(120_000);
  assertEquals([end, served.server.closed, served.clock.pending], [
    undefined,
    false,
    0,
  ]);
  const reading = served.server.read(new Uint8Array(10)); // rejects if another read() waits
  await send(served, "x");
  assertEquals(await reading, 1);
  session.resolve();
  await settle();
  assertEquals(end, { kind: "upgraded" });
});

Deno.test("serveHttp() hands over after pages on the same connection", async () => {
  const get = UPGRADE.replace("Upgrade: DERP\r\n", "");
  const upgrade: UpgradeHandler = (_head, conn) => {
    conn.close();
    return Promise.resolve();
  };
  const { responses, end } = await exchange(get + get + UPGRADE, { upgrade });
  assertEquals(responses.length, 2);
  assertEquals(end, { kind: "upgraded" });
});

Deno.test("serveHttp() serves a page where the upgrade isn't taken", async () => {
  const { responses } = await exchange(UPGRADE + UPGRADE, {
    upgrade: () => undefined,
  });
  assertEquals(responses.map(({ body }) => body), ["GET /derp", "GET /derp"]);
});

Deno.test("serveHttp() offers no upgrade to a request with a body, or that is refused", async () => {
  const upgrade: UpgradeHandler = () => {
    throw new Error("offered");
  };
  const withBody = UPGRADE.replace(
    "\r\n\r\n",
    "\r\nContent-Length: 1\r\n\r\nx",
  );
  assertEquals(
    (await exchange(withBody, { upgrade })).responses[0]?.status,
    200,
  );
  const withoutHost = UPGRADE.replace("Host: relay.test\r\n", "");
  assertEquals(
    (await exchange(withoutHost, { upgrade })).responses[0]?.status,
    400,
  );
});

Deno.test("serveHttp() closes where the one that took over fails", async () => {
  const error = new Error("failed");
  using pair = connPair();
  const end = serveHttp(pair.server, {
    clock: new FakeClock(),
    turn: noTurn,
    secure: false,
    handler: () => new Response(),
    upgrade: () => Promise.reject(error),
  });
  await pair.client.write(bytes(UPGRADE));
  assertEquals(await end, { kind: "broken", error });
  assert(pair.server.closed);
});
