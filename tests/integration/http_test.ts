/** HTTP over real TCP. */
import { noTurn } from "../support/no_turn.ts";
import { derpUpgrade } from "../../src/http/derp_upgrade.ts";
import { plainRoutes } from "../../src/http/port80.ts";
import { mainRoutes } from "../../src/http/routes.ts";
import { NodePublic } from "../../src/keys/node_key.ts";
import { writeAll } from "../../src/net/conn.ts";
import { concatBytes } from "../../src/util/bytes.ts";
import { systemClock } from "../../src/util/clock.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import { bytes } from "../support/http_exchange.ts";
import { type HttpServer, startHttpServer } from "../support/http_server.ts";

/** The main port, with a relay that sends its preface and echoes. */
function startMain(): HttpServer {
  const publicKey = NodePublic.fromBytes(new Uint8Array(32));
  return startHttpServer({
    clock: systemClock,
    secure: false,
    turn: noTurn,
    handler: mainRoutes({ home: { kind: "default" }, derp: true }),
    upgrade: derpUpgrade(
      {
        publicKey,
        async accept(conn, { preface, rest }) {
          await writeAll(conn, concatBytes(preface, rest));
          const chunk = new Uint8Array(100);
          for (let n; (n = await conn.read(chunk)) !== null;) {
            await writeAll(conn, chunk.subarray(0, n));
          }
          conn.close();
        },
      },
      systemClock,
      noTurn,
    ),
  });
}

async function readAll(conn: Deno.Conn): Promise<string> {
  return await new Response(conn.readable).text();
}

Deno.test("mainRoutes() serves fetch()", async () => {
  await using server = startMain();
  using client = Deno.createHttpClient({});
  const base = `http://127.0.0.1:${server.port}`;
  const home = await fetch(`${base}/`, { client });
  assertEquals(home.status, 200);
  assertStringIncludes(await home.text(), "<h1>It works</h1>");
  const robots = await fetch(`${base}/robots.txt`, { client });
  assertEquals(await robots.text(), "User-agent: *\nDisallow: /\n");
  for (const method of ["GET", "HEAD"]) {
    const probe = await fetch(`${base}/derp/probe`, { method, client });
    assertEquals([
      probe.status,
      probe.headers.get("access-control-allow-origin"),
    ], [200, "*"]);
    assertEquals(await probe.text(), "");
  }
  const posted = await fetch(`${base}/derp/probe`, {
    method: "POST",
    body: "x".repeat(60_000),
    client,
  });
  assertEquals([posted.status, await posted.text()], [
    405,
    "A probe is a GET or a HEAD\n",
  ]);
  const headers = { "X-Tailscale-Challenge": "abc" };
  const noContent = await fetch(`${base}/generate_204`, { headers, client });
  assertEquals([
    noContent.status,
    noContent.headers.get("x-tailscale-response"),
  ], [204, "response abc"]);
  await noContent.body?.cancel();
  const derp = await fetch(`${base}/derp`, { client });
  assertEquals(derp.status, 426);
  await derp.body?.cancel();
});

Deno.test("plainRoutes() redirects fetch() to the port of the Host header", async () => {
  await using server = startHttpServer({
    clock: systemClock,
    secure: false,
    turn: noTurn,
    handler: plainRoutes(),
  });
  using client = Deno.createHttpClient({});
  const url = `http://127.0.0.1:${server.port}/a?b=c`;
  const response = await fetch(url, { redirect: "manual", client });
  assertEquals(
    response.headers.get("location"),
    `https://127.0.0.1:${server.port}/a?b=c`,
  );
  await response.body?.cancel();
});

Deno.test("serveHttp() lets a client read the refusal of what it is still sending", async () => {
  await using server = startMain();
  using client = Deno.createHttpClient({});
  const body = new Uint8Array(200_000);
  const response = await fetch(`http://127.0.0.1:${server.port}/`, {
    method: "POST",
    body,
    client,
  });
  assertEquals([response.status, await response.text()], [
    413,
    "Request body over 64 KiB\n",
  ]);
});

Deno.test("serveHttp() hands a TCP connection over", async () => {
  await using server = startMain();
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const head = "GET /derp HTTP/1.1\r\nHost: a\r\nUpgrade: DERP\r\n";
  await writeAllTo(conn, bytes(`${head}\r\nearly `));
  await writeAllTo(conn, bytes("late"));
  await conn.closeWrite();
  const answer = await readAll(conn);
  assert(
    answer.startsWith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n"),
    answer,
  );
  assert(
    answer.endsWith(`\r\nDerp-Public-Key: ${"0".repeat(64)}\r\n\r\nearly late`),
    answer,
  );
});

Deno.test("serveHttp() survives clients that leave at any point", async () => {
  await using server = startMain();
  const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (let sent = 0; sent <= request.length; sent++) {
    const conn = await Deno.connect({
      hostname: "127.0.0.1",
      port: server.port,
    });
    if (sent > 0) await writeAllTo(conn, bytes(request.slice(0, sent)));
    conn.close();
  }
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await writeAllTo(
    conn,
    bytes(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")),
  );
  assertStringIncludes(await readAll(conn), "HTTP/1.1 200 OK\r\n");
});

async function writeAllTo(conn: Deno.Conn, data: Uint8Array): Promise<void> {
  for (let sent = 0; sent < data.length;) {
    sent += await conn.write(data.subarray(sent));
  }
}
