/** What `serveHttp` makes of requests that are wrong, too large, or noise. */
import {
  HeadParser,
  MAX_FIELDS,
  MAX_HEAD_BYTES,
} from "../../../src/http/head_parser.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import {
  bytes,
  exchange,
  parseResponses,
  send,
  serve,
} from "../../support/http_exchange.ts";

const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

/** A request with `lines` behind a good `Host`. */
function get(...lines: string[]): string {
  return ["GET /a HTTP/1.1", "Host: relay.test", ...lines, "", ""].join("\r\n");
}

/** Beside the status: what derper 1.102.5 answers, where that differs. */
const REFUSED: readonly (readonly [request: string, status: number])[] = [
  // request line
  ["\r\n\r\nGET\r\n\r\n", 400],
  ["GET /a\r\n\r\n", 400],
  ["GET  /a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["GET /a\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n", 400], // 200
  ["GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400], // 200
  ["GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400], // 200
  ["GET /a HTTP/2.0\r\nHost: a\r\n\r\n", 505],
  ["GET /a HTTP/0.9\r\nHost: a\r\n\r\n", 505],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["get /a HTTP/1.1\r\nHost: a\r\n\r\n", 400], // 200
  ["BREW /a HTTP/1.1\r\nHost: a\r\n\r\n", 400], // 200
  ["CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405], // 403 over TLS, else 404
  ["TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405], // 200
  // Host
  ["GET /a HTTP/1.1\r\n\r\n", 400],
  ["GET /a HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400],
  ["GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
  ["GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", 400], // 200
  ["GET /a HTTP/1.1\r\nHost: u@a\r\n\r\n", 400], // 200
  ['GET /a HTTP/1.1\r\nHost: a"<b\r\n\r\n', 400],
  ["GET /a HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400], // 200
  ["GET /a HTTP/1.1\r\nHost: 1.2.3.4.5\r\n\r\n", 400], // 200
  ["GET /a HTTP/1.1\r\nHost: [::g]\r\n\r\n", 400],
  // fields
  [get("Foo"), 400],
  [get(": x"), 400],
  [get("Foo : x"), 400], // 200, the field ignored
  [get("Foo: a", " folded"), 400], // 200
  [get("Foo: a\x00b"), 400],
  [get("Foo: a\rb"), 400],
  [get("F\xf6o: a"), 400],
  // body
  [get("Content-Length: abc"), 400],
  [get("Content-Length: -1"), 400],
  [get("Content-Length: +1"), 400],
  [get("Content-Length: 0x1"), 400],
  [get("Content-Length:"), 400],
  [get("Content-Length: 1, 1"), 400],
  [get("Content-Length: 1", "Content-Length: 1") + "x", 400], // 200
  [get("Content-Length: 1", "Content-Length: 2") + "x", 400],
  [get("Content-Length: 99999999999999999999"), 400],
  [get("Content-Length: 5", "Transfer-Encoding: chunked"), 400], // 200
  [get("Transfer-Encoding: chunked") + "0\r\n\r\n", 411], // 200
  [get("Transfer-Encoding: chunked") + "\r\n-6\r\n\r\n-6\r\n", 411], // a size that http-parser-js loops on
  [get("Transfer-Encoding: gzip, chunked"), 501],
  [get("Transfer-Encoding: identity"), 501],
  ["POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
  [get("Content-Length: 65537"), 413], // 200
  [get("Expect: tea", "Content-Length: 1"), 417],
  // noise
  [
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x".repeat(100) + "\n",
    400,
  ],
  ["\x00".repeat(5000), 400],
  ["a".repeat(MAX_HEAD_BYTES), 431],
  ["\r\n".repeat(MAX_HEAD_BYTES / 2), 431],
];

Deno.test("serveHttp() refuses what isn't a sound request, and what follows it", async () => {
  for (const [request, status] of REFUSED) {
    const { responses, end } = await exchange(request + NEXT);
    const label = JSON.stringify(request.slice(0, 100));
    assertEquals(responses.map((response) => response.status), [status], label);
    assertEquals(responses[0]!.fields.get("Connection"), "close", label);
    assertEquals(end.kind === "refused" && end.status, status, label);
  }
});

Deno.test("serveHttp() answers 400 where a request ends amid head or body", async () => {
  for (
    const request of [
      "G",
      "GET /a HTTP/1.1\r\nHost: a\r\n",
      get("Content-Length: 5") + "abcd",
    ]
  ) {
    const { responses, end } = await exchange(NEXT + request);
    assertEquals(responses.map(({ status }) => status), [200, 400], request);
    assertEquals(end, {
      kind: "refused",
      status: 400,
      reason: "Unfinished request",
    }, request);
  }
});

Deno.test("serveHttp() takes what is unusual and sound", async () => {
  for (
    const request of [
      get("Foo:", "Bar:x  ", "Baz:\t\xe4 \x80"),
      get().replaceAll("\r\n", "\n"),
      "\r\n" + get(),
      "GET http://b.test:1/a HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET HTTPS://b.test/a HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /a HTTP/1.1\r\nHost:\r\n\r\n",
      "GET /a HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n",
      "GET /a HTTP/1.1\r\nHost: my_relay.test.:443\r\n\r\n",
      get("Content-Length: 00005") + "abcde",
      get("Connection: Upgrade", "Upgrade: h2c"),
    ]
  ) {
    const { responses } = await exchange(request + NEXT);
    const label = JSON.stringify(request);
    assertEquals(
      responses.map(({ body }) => body),
      ["GET /a", "GET /next"],
      label,
    );
  }
});

Deno.test("serveHttp() gives a target without a path the path /", async () => {
  const { responses } = await exchange(
    "GET http://b.test?c HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  assertEquals(responses[0]?.body, "GET /");
});

Deno.test("serveHttp() takes a head of 16 KiB and no longer one", async () => {
  const fill = MAX_HEAD_BYTES - get("X: ").length;
  const { responses } = await exchange(get("X: " + "x".repeat(fill)) + NEXT);
  assertEquals(responses.map(({ status }) => status), [200, 200]);
  const over = await exchange(get("X: " + "x".repeat(fill + 1)) + NEXT);
  assertEquals(over.responses.map(({ status }) => status), [431]);
});

Deno.test("serveHttp() takes 100 fields and no more", async () => {
  const lines = Array.from({ length: MAX_FIELDS - 1 }, () => "a:");
  assertEquals((await exchange(get(...lines))).responses[0]?.status, 200);
  assertEquals((await exchange(get(...lines, "a:"))).responses[0]?.status, 431);
});

Deno.test("serveHttp() reads past a body of up to 64 KiB", async () => {
  const request =
    `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n${
      "GET ".repeat(16384)
    }`;
  const { responses } = await exchange(request + NEXT);
  assertEquals(responses.map(({ body }) => body), ["POST /a", "GET /next"]);
});

Deno.test("serveHttp() gives a body 30 s", async () => {
  using served = serve();
  await served.clock.advance(20_000);
  await send(served, get("Content-Length: 5") + "a");
  await served.clock.advance(29_999);
  assert(!served.server.closed);
  await served.clock.advance(1);
  assertEquals(parseResponses(await served.client.readToEnd())[0]?.status, 408);
  assertEquals(served.clock.pending, 0);
});

Deno.test("serveHttp() answers who asks before it sends a body, and closes", async () => {
  using served = serve();
  await send(served, get("Expect: 100-continue", "Content-Length: 5"));
  await settle();
  assert(!served.server.closed);
  await served.clock.advance(500);
  const [response] = parseResponses(await served.client.readToEnd());
  assertEquals([response?.status, response?.fields.get("Connection")], [
    200,
    "close",
  ]);
  assertEquals(await served.end, { kind: "closed" });
});

Deno.test("serveHttp() goes on where the body came without being asked for", async () => {
  const { responses } = await exchange(
    get("Expect: 100-Continue", "Content-Length: 5") + "abcde" + NEXT,
  );
  assertEquals(responses.map(({ body }) => body), ["GET /a", "GET /next"]);
});

Deno.test("HeadParser.push() tells one byte at a time where the head ends", () => {
  const parser = new HeadParser();
  const data = bytes(get("Ideal-Node: M\xc3\xbcnchen", "X: a\x8ab\x8d"));
  for (const [i, byte] of data.entries()) {
    assertEquals(parser.head, undefined, `before byte ${i}`);
    assertEquals(parser.push(Uint8Array.of(byte)), 1);
  }
  assertEquals(parser.head, {
    method: "GET",
    target: "/a",
    major: 1,
    minor: 1,
    keepAlive: true,
    fields: [
      "Host",
      "relay.test",
      "Ideal-Node",
      "M\xc3\xbcnchen",
      "X",
      "a\x8ab\x8d",
    ],
  });
});

Deno.test("HeadParser.push() leaves alone what is behind the head", () => {
  const parser = new HeadParser();
  assertEquals(
    parser.push(bytes(get("Upgrade: DERP") + "\r\nrest\r\n\r\n")),
    get("Upgrade: DERP").length,
  );
  assert(parser.head !== undefined);
});

/** A small generator of pseudo-random numbers below `n` (mulberry32), so that failures repeat. */
function random(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % n;
  };
}

/** `text` with up to eight bytes changed, left out, doubled or put in. */
function perturb(text: string, below: (n: number) => number): string {
  const chars = [...text];
  for (let i = below(8); i >= 0; i--) {
    const at = below(chars.length);
    const special = "\r\n \t:\x00\x80\xff,;0-9a"[below(15)]!;
    const change = [[special], [], [chars[at]!, chars[at]!], [
      special,
      chars[at]!,
    ]][below(4)]!;
    chars.splice(at, 1, ...change);
  }
  return chars.join("");
}

Deno.test("serveHttp() answers or ends whatever the bytes are", async () => {
  const sound = get("User-Agent: x") +
    get("Content-Length: 5", "Expect: 100-continue") + "abcde" +
    get("Transfer-Encoding: chunked") + "5\r\nabcde\r\n0\r\n\r\n";
  const statuses = new Set<number>();
  for (let seed = 0; seed < 1000; seed++) {
    const below = random(seed);
    const request = perturb(sound, below);
    const { responses, end, clock } = await exchange(request, {}, {
      maxReadBytes: 1 + below(200),
    });
    const label = `seed ${seed}: ${JSON.stringify(request)}`;
    assert(
      end.kind === "closed" || end.kind === "refused",
      `${label} ended ${end.kind}`,
    );
    if (end.kind === "refused") {
      assertEquals(responses.at(-1)?.status, end.status, label);
    }
    assertEquals(clock.pending, 0, label);
    for (const { status } of responses) statuses.add(status);
  }
  for (const status of statuses) {
    assert(
      [200, 400, 405, 411, 413, 417, 431, 501, 505].includes(status),
      `status ${status}`,
    );
  }
  assert(statuses.size >= 5, `only ${[...statuses]}`);
});
