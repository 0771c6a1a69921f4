/** Answers that go on, at the bytes of the connection. */
import { EVENT_STREAM_TYPE } from "../../../src/http/event_stream.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import type { ConnPairOptions } from "../../support/conn_pair.ts";
import { settle } from "../../support/fake_clock.ts";
import { send, serve, type Served } from "../../support/http_exchange.ts";

const GET = "GET /a HTTP/1.1\r\nHost: relay.test\r\n\r\n";

/** A body that a test feeds, and what became of it. */
class Events {
  cancelled = 0;
  pulls = 0;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  serve(pair: ConnPairOptions = {}): Served {
    return serve({ handler: () => this.response() }, pair);
  }

  response(): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => void this.pulls++,
      cancel: () => void this.cancelled++,
    }, { highWaterMark: 0 });
    return new Response(body, {
      headers: { "Content-Type": EVENT_STREAM_TYPE },
    });
  }

  push(text: string): void {
    this.#controller!.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.#controller!.close();
  }
}

async function received({ client }: Served): Promise<string> {
  await settle();
  const bytes = await client.readExactly(client.readableBytes);
  return new TextDecoder().decode(bytes);
}

Deno.test("serveHttp() writes events as they come, behind a head without a length", async () => {
  const events = new Events();
  using served = events.serve();
  await send(served, GET);
  assertEquals(
    await received(served),
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
      "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\nConnection: close\r\n\r\n",
  );
  events.push("data:1\n\n");
  assertEquals(await received(served), "data:1\n\n");
  await served.clock.advance(24 * 3_600_000);
  events.push("data:2\n\n");
  assertEquals(await received(served), "data:2\n\n");
  events.end();
  assertEquals(await served.end, { kind: "closed" });
  assert(served.server.closed);
  assertEquals(served.clock.pending, 0);
});

Deno.test("serveHttp() cancels events when the client goes, breaks, or asks for something else", async () => {
  const ends: [string, (served: Served) => unknown][] = [
    ["goes", ({ client }) => client.close()],
    ["ends its side", ({ client }) => client.closeWrite()],
    ["breaks", ({ client }) => client.reset()],
    ["asks", (served) => send(served, GET)],
    ["is closed by us", ({ server }) => server.close()],
  ];
  for (const [what, end] of ends) {
    const events = new Events();
    using served = events.serve();
    await send(served, GET);
    await settle();
    assertEquals(events.cancelled, 0, what);
    await end(served);
    assertEquals(await served.end, { kind: "closed" }, what);
    assertEquals(events.cancelled, 1, what);
    assertEquals(served.clock.pending, 0, what);
  }
});

Deno.test("serveHttp() asks for no more events than the client takes, and gives up after 30 s", async () => {
  const events = new Events();
  using served = events.serve({ bufferBytes: 200 });
  await send(served, GET);
  await settle();
  assertEquals(events.pulls, 1);
  events.push("x".repeat(150));
  events.push("never written");
  await settle();
  assertEquals(events.pulls, 1);
  await served.clock.advance(29_999);
  assert(!served.server.closed);
  await served.clock.advance(1);
  const end = await served.end;
  assertEquals(end.kind, "broken");
  assertStringIncludes(
    String((end as { error: unknown }).error),
    "Answer not taken in time",
  );
  assertEquals(events.cancelled, 1);
  assertEquals(served.clock.pending, 0);
});

Deno.test("serveHttp() answers HEAD without events, and cancels them", async () => {
  const events = new Events();
  using served = events.serve();
  await send(served, GET.replace("GET", "HEAD"));
  assertStringIncludes(await received(served), "\r\nConnection: close\r\n\r\n");
  assertEquals(await served.end, { kind: "closed" });
  assertEquals(events.cancelled, 1);
});

Deno.test("serveHttp() ends where events fail", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error("no more")),
  }, { highWaterMark: 0 });
  const headers = { "Content-Type": EVENT_STREAM_TYPE };
  using served = serve({ handler: () => new Response(body, { headers }) });
  await send(served, GET);
  const end = await served.end;
  assertEquals(end.kind, "broken");
  assert(served.server.closed);
});
