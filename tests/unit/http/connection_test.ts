import type { HttpOptions } from "../../../src/http/connection.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { isConnectionLost } from "../../../src/net/conn.ts";
import { settle } from "../../support/fake_clock.ts";
import {
  exchange,
  parseResponses,
  send,
  serve,
} from "../../support/http_exchange.ts";

const GET = "GET /a HTTP/1.1\r\nHost: relay.test\r\n\r\n";

Deno.test("serveHttp() answers a request and keeps the connection", async () => {
  using served = serve();
  for (let i = 0; i < 2; i++) {
    await send(served, GET);
    await settle();
    const answer = await served.client.readExactly(served.client.readableBytes);
    assertEquals(
      new TextDecoder().decode(answer),
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=UTF-8\r\n" +
        "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\nContent-Length: 6\r\n\r\nGET /a",
    );
  }
  served.client.close();
  assertEquals(await served.end, { kind: "closed" });
  assert(served.server.closed);
  assertEquals(served.clock.pending, 0);
});

Deno.test("serveHttp() tells the page address, scheme and fields", async () => {
  let seen: unknown[] = [];
  const handler: HttpOptions["handler"] = (
    { url, headers },
    { remote, secure },
  ) => {
    seen = [url, headers.get("x-a"), headers.get("host"), remote, secure];
    return new Response();
  };
  const request =
    "GET //b?c=d HTTP/1.1\r\nhOST: relay.test:8443\r\nX-A: 1\r\nx-a:2\r\n\r\n";
  await exchange(request, { handler, secure: false });
  const remote = { ip: "198.51.100.7", port: 40000 };
  assertEquals(seen, [
    "http://relay.test:8443//b?c=d",
    "1, 2",
    "relay.test:8443",
    remote,
    false,
  ]);
});

Deno.test("serveHttp() understands one byte at a time", async () => {
  const { responses, end } = await exchange(GET + GET, {}, {
    maxReadBytes: 1,
    maxWriteBytes: 1,
  });
  assertEquals(responses.map(({ body }) => body), ["GET /a", "GET /a"]);
  assertEquals(end, { kind: "closed" });
});

Deno.test("serveHttp() answers pipelined requests in order", async () => {
  const handler: HttpOptions["handler"] = async ({ url }) => {
    const { pathname } = new URL(url);
    for (let turns = pathname === "/0" ? 50 : 0; turns > 0; turns--) await null;
    return new Response(pathname);
  };
  const paths = Array.from({ length: 100 }, (_, i) => `/${i}`);
  const requests = paths.map((path) => GET.replace("/a", path)).join("");
  const { responses } = await exchange(requests, { handler });
  assertEquals(responses.map(({ body }) => body), paths);
});

Deno.test("serveHttp() answers HEAD without a body and with its length", async () => {
  const { responses } = await exchange(GET.replace("GET", "HEAD"));
  assertEquals(responses.length, 1);
  assertEquals(responses[0]!.fields.get("Content-Length"), "7");
});

Deno.test("serveHttp() closes as version and Connection field ask for", async () => {
  for (
    const [version, field, statusLine, connection] of [
      ["1.1", "X: y", "HTTP/1.1 200 OK", undefined],
      ["1.1", "Connection: close", "HTTP/1.1 200 OK", "close"],
      ["1.1", "Connection: Close, Foo", "HTTP/1.1 200 OK", "close"],
      ["1.2", "X: y", "HTTP/1.1 200 OK", undefined],
      ["1.0", "X: y", "HTTP/1.0 200 OK", "close"],
      ["1.0", "Connection: keep-alive", "HTTP/1.0 200 OK", "keep-alive"],
    ] as const
  ) {
    const request = `GET / HTTP/${version}\r\nHost: a\r\n${field}\r\n\r\n`;
    const { responses } = await exchange(request + request);
    const stays = connection !== "close";
    assertEquals(responses.length, stays ? 2 : 1, `${version} ${field}`);
    assertEquals(responses[0]!.statusLine, statusLine, `${version} ${field}`);
    assertEquals(
      responses[0]!.fields.get("Connection"),
      connection,
      `${version} ${field}`,
    );
  }
});

Deno.test("serveHttp() needs no Host with HTTP/1.0, and answers OPTIONS * itself", async () => {
  const old = await exchange("GET /a HTTP/1.0\r\n\r\n");
  assertEquals(old.responses[0]!.body, "GET /a");
  const { responses } = await exchange("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals(responses[0]!.status, 200);
  assertEquals(responses[0]!.fields.get("Content-Length"), "0");
});

Deno.test("serveHttp() says nothing to who says nothing for 30 s", async () => {
  using served = serve();
  await served.clock.advance(29_999);
  assert(!served.server.closed);
  await served.clock.advance(1);
  assertEquals(await served.end, { kind: "closed" });
  assertEquals(await served.client.readToEnd(), new Uint8Array(0));
  assertEquals(served.clock.pending, 0);
});

Deno.test("serveHttp() closes after 30 s between two requests", async () => {
  using served = serve();
  await served.clock.advance(20_000);
  await send(served, GET);
  await served.clock.advance(29_999);
  assert(!served.server.closed);
  await served.clock.advance(1);
  assertEquals(parseResponses(await served.client.readToEnd()).length, 1);
  assertEquals(await served.end, { kind: "closed" });
});

Deno.test("serveHttp() answers 408 to half a head and silence", async () => {
  using served = serve();
  await send(served, "GET / HTTP/1.1\r\nHost: a\r\n");
  await served.clock.advance(30_000);
  const [response] = parseResponses(await served.client.readToEnd());
  assertEquals(response?.status, 408);
  assertEquals(await served.end, {
    kind: "refused",
    status: 408,
    reason: "Request too slow",
  });
  assertEquals(served.clock.pending, 0);
});

Deno.test("serveHttp() gives a head 30 s in all, not per byte", async () => {
  using served = serve();
  await send(served, "GET / HTTP/1.1\r\nX: ");
  for (let second = 0; second < 30; second++) {
    assert(!served.server.closed);
    await send(served, "a");
    await served.clock.advance(1_000);
  }
  const [response] = parseResponses(await served.client.readToEnd());
  assertEquals(response?.status, 408);
});

Deno.test("serveHttp() closes on who doesn't take an answer within 30 s", async () => {
  using served = serve({ handler: () => new Response("x".repeat(1000)) }, {
    bufferBytes: 100,
  });
  await send(served, GET);
  await served.clock.advance(29_999);
  assert(!served.server.closed);
  await served.clock.advance(1);
  const end = await served.end;
  assert(end.kind === "broken" && isConnectionLost(end.error));
  assert(served.server.closed);
  assertEquals(served.clock.pending, 0);
});

Deno.test("serveHttp() answers 500 without details where a page fails, and closes", async () => {
  const error = new Error("secret");
  const handlers: HttpOptions["handler"][] = [
    () => {
      throw error;
    },
    () => Promise.reject(error),
  ];
  for (const handler of handlers) {
    const { responses, end } = await exchange(GET + GET, { handler });
    assertEquals(responses.map(({ status, body }) => [status, body]), [[
      500,
      "Internal server error\n",
    ]]);
    assertEquals(end, { kind: "page_failed", error });
  }
});

Deno.test("serveHttp() answers 500 where a page takes 30 s", async () => {
  using served = serve({ handler: () => new Promise(() => {}) });
  await send(served, GET);
  await served.clock.advance(30_000);
  assertEquals(parseResponses(await served.client.readToEnd())[0]?.status, 500);
  assertEquals((await served.end).kind, "page_failed");
});

Deno.test("serveHttp() says that a connection broke, and writes nothing", async () => {
  const error = new Deno.errors.InvalidData("not TLS");
  using served = serve();
  served.server.reset(error);
  assertEquals(await served.end, { kind: "broken", error });
  assert(served.server.closed);
});

Deno.test("serveHttp() reads past what follows a refusal, so that the client can read it", async () => {
  using served = serve();
  const body = "x".repeat(200_000);
  await send(
    served,
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await settle();
  assertEquals(served.server.readableBytes, 0);
  assert(!served.server.closed);
  await served.clock.advance(500);
  const [response] = parseResponses(await served.client.readToEnd());
  assertEquals(response?.status, 413);
  assertEquals(response?.fields.get("Connection"), "close");
  assertEquals(await served.end, {
    kind: "refused",
    status: 413,
    reason: "Request body over 64 KiB",
  });
});

Deno.test("serveHttp() stops reading what follows a refusal after 256 KiB", async () => {
  using served = serve();
  const writing = send(served, "garbage\r\n" + "x".repeat(1_000_000));
  const error = await writing.catch((error) => error);
  assert(error instanceof Deno.errors.BrokenPipe);
  assertEquals((await served.end).kind, "refused");
  assertStringIncludes(
    new TextDecoder().decode(await served.client.readToEnd()),
    " 400 Bad Request\r\n",
  );
});
