/** HTTP on connections that begin with a PROXY header, or shouldn't. */
import {
  ClientAddresses,
  type TrustedProxies,
} from "../../../src/http/client_address.ts";
import type { HttpOptions } from "../../../src/http/connection.ts";
import { UNIX_PEER } from "../../../src/net/conn.ts";
import { fromHex } from "../../../src/util/bytes.ts";
import { IpRange } from "../../../src/util/ip_range.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import type { ConnPairOptions } from "../../support/conn_pair.ts";
import { settle } from "../../support/fake_clock.ts";
import { exchange, send, serve } from "../../support/http_exchange.ts";

const TRUSTED: TrustedProxies = {
  ranges: [IpRange.parse("10.0.0.0/8")!],
  unix: true,
};

const LINE = "PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n";
const UNKNOWN = "PROXY UNKNOWN\r\n";
/** The same as LINE. */
const BINARY = String.fromCharCode(
  ...fromHex(
    "0d0a0d0a000d0a515549540a2111000ccb007109c00002019c4001bb",
    28,
  )!,
);
const LOCAL = String.fromCharCode(
  ...fromHex("0d0a0d0a000d0a515549540a20000000", 16)!,
);
const GET = "GET / HTTP/1.1\r\nHost: relay.test\r\n\r\n";
const FROM_PROXY = { clientAddress: { ip: "10.0.0.1", port: 5 } };
const FROM_STRANGER = { clientAddress: { ip: "203.0.113.66", port: 6 } };

/** Pages that say whose the request is. */
const WHOSE: Partial<HttpOptions> = {
  secure: false,
  clients: new ClientAddresses(TRUSTED),
  handler: (_, { remote: { ip, port }, proxy }) =>
    new Response(`${ip} ${port} ${proxy}`),
};

async function answers(
  text: string,
  from: ConnPairOptions,
  options: Partial<HttpOptions> = {},
): Promise<{ texts: string[]; end: unknown }> {
  const all = { ...WHOSE, ...options };
  const { responses, end } = await exchange(text, all, from);
  return { texts: responses.map(({ body }) => body), end };
}

Deno.test("serveHttp() takes the address of a PROXY header from a trusted proxy", async () => {
  const told = "203.0.113.9 40000 trusted";
  const silent = "10.0.0.1 5 unknown";
  for (
    const [header, expected] of [
      [LINE, told],
      [BINARY, told],
      [UNKNOWN, silent],
      [LOCAL, silent],
      ["", silent],
    ] as const
  ) {
    for (const maxReadBytes of [Infinity, 1, 7]) {
      const from = { ...FROM_PROXY, maxReadBytes };
      const { texts, end } = await answers(header + GET + GET, from);
      assertEquals(texts, [expected, expected]);
      assertEquals(end, { kind: "closed" });
    }
  }
});

Deno.test("serveHttp() hears the fields of a proxy behind a proxy, if that is trusted too", async () => {
  const chain = LINE.replace("203.0.113.9", "10.2.2.2");
  const forwarded = (ip: string) =>
    GET.replace("\r\n\r\n", `\r\nX-Forwarded-For: ${ip}\r\n\r\n`);
  assertEquals(
    (await answers(chain + forwarded("198.51.100.8"), FROM_PROXY)).texts,
    ["198.51.100.8 0 trusted"],
  );
  assertEquals(
    (await answers(LINE + forwarded("127.0.0.1"), FROM_PROXY)).texts,
    ["203.0.113.9 40000 unknown"],
  );
});

Deno.test("serveHttp() tells the clients of one connection apart", async () => {
  const forwarded = (ip: string) =>
    GET.replace("\r\n\r\n", `\r\nX-Forwarded-For: ${ip}\r\n\r\n`);
  const { texts } = await answers(
    forwarded("203.0.113.1") + forwarded("2001:db8::2") + GET,
    FROM_PROXY,
  );
  assertEquals(texts, [
    "203.0.113.1 0 trusted",
    "2001:db8::2 0 trusted",
    "10.0.0.1 5 unknown",
  ]);
});

Deno.test("serveHttp() hands a connection over under the client's address", async () => {
  const forwarded = "X-Forwarded-For: 198.51.100.8\r\n";
  for (
    const [header, field, expected] of [
      [LINE, "", { ip: "203.0.113.9", port: 40000 }],
      ["", forwarded, { ip: "198.51.100.8", port: 0 }],
      ["", "", FROM_PROXY.clientAddress],
    ] as const
  ) {
    const seen: unknown[] = [];
    const upgrade: HttpOptions["upgrade"] = async (_, conn, rest) => {
      seen.push(conn.remote, new TextDecoder().decode(rest));
      const into = new Uint8Array(3);
      seen.push(await conn.read(into), new TextDecoder().decode(into));
      conn.close();
    };
    const served = serve({ ...WHOSE, upgrade }, FROM_PROXY);
    const head = `GET /derp HTTP/1.1\r\nHost: a\r\n${field}Upgrade: DERP\r\n`;
    await send(served, `${header}${head}\r\n`);
    await settle();
    await send(served, "abc");
    assertEquals(await served.end, { kind: "upgraded" });
    assertEquals(seen, [expected, "", 3, "abc"]);
    assert(served.server.closed);
    assertEquals(served.clock.pending, 0);
  }
});

Deno.test("serveHttp() ends a connection with a PROXY header that is malformed, and says nothing", async () => {
  for (
    const [text, why] of [
      ["PROXY TCP4 x y 1 2\r\n", "can't be used: it has no two addresses"],
      [`PROXY ${"x".repeat(200)}`, "can't be used: its line is over 107 bytes"],
      [BINARY.replace("\x21", "\x31"), "can't be used: it has version 3"],
      [LINE.slice(0, 20), "never came to its end"],
      [BINARY.slice(0, 20), "never came to its end"],
    ] as const
  ) {
    const { texts, end } = await answers(text, FROM_PROXY);
    assertEquals(texts, []);
    const refused = end as { kind: string; why: string };
    assertEquals(refused.kind, "proxy_header");
    assert(refused.why.includes(why), refused.why);
  }
});

Deno.test("serveHttp() ends a connection with a PROXY header from who isn't trusted", async () => {
  const why = "it sent a PROXY header, but isn't among -trusted-proxies";
  for (const header of [LINE, BINARY, UNKNOWN, LOCAL]) {
    const { texts, end } = await answers(header + GET, FROM_STRANGER);
    assertEquals(texts, []);
    assertEquals(end, { kind: "proxy_header", why });
  }
  // And one within the first one.
  const twice = await answers(LINE + LINE + GET, FROM_PROXY);
  assertEquals([twice.texts, twice.end], [[], { kind: "proxy_header", why }]);
});

Deno.test("serveHttp() has no PROXY header within TLS", async () => {
  const { end } = await answers(LINE + GET, FROM_PROXY, { secure: true });
  assertEquals(end, {
    kind: "refused",
    status: 400,
    reason: "Malformed request",
  });
});

Deno.test("serveHttp() waits no longer for a PROXY header than for a request", async () => {
  for (const begun of ["", "PROXY "]) {
    const served = serve(WHOSE, FROM_PROXY);
    if (begun !== "") await send(served, begun);
    await settle();
    await served.clock.advance(29_999);
    assert(!served.server.closed);
    await served.clock.advance(1);
    const { kind } = await served.end;
    assertEquals(kind, begun === "" ? "closed" : "proxy_header");
    assert(served.server.closed);
    assertEquals(served.clock.pending, 0);
  }
});

Deno.test("serveHttp() names the client in a refusal, not its proxy", async () => {
  const bad = "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n";
  assertEquals((await answers(LINE + bad, FROM_PROXY)).end, {
    kind: "refused",
    status: 400,
    reason: "Malformed request target",
    remote: { ip: "203.0.113.9", port: 40000 },
  });
  const forged = GET.replace("\r\n\r\n", "\r\nX-Forwarded-For: nobody\r\n\r\n");
  assertEquals((await answers(forged, FROM_PROXY)).end, {
    kind: "refused",
    status: 400,
    reason: "Malformed X-Forwarded-For or X-Real-IP header",
  });
});

Deno.test("serveHttp() takes PROXY headers from a unix socket that is trusted", async () => {
  const from = { clientAddress: UNIX_PEER };
  const told = "203.0.113.9 40000 trusted";
  assertEquals((await answers(LINE + GET, from)).texts, [told]);
  assertEquals((await answers(GET, from)).texts, ["127.0.0.1 0 unknown"]);
  const clients = new ClientAddresses();
  const { end } = await answers(LINE + GET, from, { clients });
  assertEquals((end as { kind: string }).kind, "proxy_header");
});
