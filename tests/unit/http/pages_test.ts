import type { HttpHandler } from "../../../src/http/connection.ts";
import { generate204 } from "../../../src/http/pages.ts";
import { plainRoutes } from "../../../src/http/port80.ts";
import { mainRoutes } from "../../../src/http/routes.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { exchange } from "../../support/http_exchange.ts";

const INFO = { remote: { ip: "192.0.2.1", port: 1 }, secure: true };

async function get(handler: HttpHandler, path: string): Promise<Response> {
  return await handler(new Request(`https://relay.test${path}`), INFO);
}

Deno.test("mainRoutes() says on the home page whether this works, and nothing that relays are found by", async () => {
  const home = { kind: "default" } as const;
  const on = await (await get(mainRoutes({ home, derp: true }), "/")).text();
  const off = await (await get(mainRoutes({ home, derp: false }), "/")).text();
  assertStringIncludes(on, '<html lang="en">');
  assertStringIncludes(on, "<title>It works</title>");
  assert(!on.includes("switched off"));
  assertStringIncludes(off, "switched off");
  for (const page of [on, off]) {
    assertEquals(
      page.match(/derp|relay|tailscale|headscale|wireguard|vpn|tailnet/gi),
      null,
    );
  }
});

Deno.test("mainRoutes() has no page at all with -home 404", async () => {
  const handler = mainRoutes({ home: { kind: "not-found" }, derp: true });
  for (const path of ["/", "/index.html", "/derp/"]) {
    const response = await get(handler, path);
    assertEquals(response.status, 404, path);
    assertEquals(await response.text(), "Not found\n", path);
  }
  assertEquals((await get(handler, "/derp/probe")).status, 200);
  assertEquals((await get(handler, "/robots.txt")).status, 200);
});

Deno.test("mainRoutes() shows an operator's page as it is now, and lets it have its styles", async () => {
  let html = "<p>one";
  const home = { kind: "html", html: () => html } as const;
  const handler = mainRoutes({ home, derp: true });
  const response = await get(handler, "/");
  assertEquals(await response.text(), "<p>one");
  assertStringIncludes(response.headers.get("Content-Type")!, "text/html");
  const policy = response.headers.get("Content-Security-Policy")!;
  assertStringIncludes(policy, "default-src 'self' 'unsafe-inline' data:;");
  assertStringIncludes(policy, "frame-ancestors 'none'");
  html = "<p>two";
  assertEquals(await (await get(handler, "/")).text(), "<p>two");
});

Deno.test("mainRoutes() has no home page where derper has something else", async () => {
  const handler = mainRoutes({ home: { kind: "default" }, derp: true });
  for (
    const path of [
      "/debug",
      "/debug/",
      "/debug/varz",
      "/bootstrap-dns",
      "/bootstrap-dns?q=a",
    ]
  ) {
    const response = await get(handler, path);
    assertEquals(response.status, 404, path);
    assertEquals(await response.text(), "Not found\n", path);
  }
});

Deno.test("generate204() sends no challenge back that could do harm", () => {
  for (
    const challenge of [
      "",
      "a b",
      "a,b",
      'a"b',
      "<a>",
      "ä",
      "a".repeat(65),
      "a/b",
    ]
  ) {
    const headers = { "X-Tailscale-Challenge": challenge };
    const response = generate204(
      new Request("https://relay.test/", { headers }),
    );
    assertEquals(response.headers.get("X-Tailscale-Response"), null, challenge);
  }
});

Deno.test("generate204() is sent without a length", async () => {
  const request = "GET /generate_204 HTTP/1.1\r\nHost: a\r\n\r\n";
  const { responses } = await exchange(request, { handler: generate204 });
  assertEquals(responses.map(({ statusLine }) => statusLine), [
    "HTTP/1.1 204 No Content",
  ]);
  assert(!responses[0]!.fields.has("Content-Length"));
});

Deno.test("plainRoutes() redirects to the host as it came", async () => {
  for (
    const [host, target, location] of [
      ["relay.test:8080", "/a", "https://relay.test:8080/a"],
      ["192.0.2.1", "/", "https://192.0.2.1/"],
      ["[2001:db8::1]:80", "/x?y=z", "https://[2001:db8::1]:80/x?y=z"],
      ["relay.test", "//other.test/a", "https://relay.test//other.test/a"],
      ["relay.test", "http://named.test/a", "https://relay.test/a"],
      ["relay.test", '/"<script>', "https://relay.test/%22%3Cscript%3E"],
    ] as const
  ) {
    const { responses } = await exchange(
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      { handler: plainRoutes(), secure: false },
    );
    assertEquals(responses[0]?.status, 302, target);
    assertEquals(responses[0]?.fields.get("Location"), location, target);
  }
});

Deno.test("plainRoutes() redirects nobody without a host to go to", async () => {
  for (
    const request of [
      "GET /a HTTP/1.0\r\n\r\n",
      "GET /a HTTP/1.1\r\nHost:\r\n\r\n",
    ]
  ) {
    const { responses } = await exchange(request, {
      handler: plainRoutes(),
      secure: false,
    });
    assertEquals(responses[0]?.status, 400, request);
    assert(!responses[0]?.fields.has("Location"), request);
  }
});

Deno.test("mainRoutes() tells probes that the relay can't relay, and nobody else", async () => {
  let healthy = false;
  const handler = mainRoutes({
    home: { kind: "default" },
    derp: true,
    isHealthy: () => healthy,
  });
  const status = async (path: string) => (await get(handler, path)).status;
  for (const path of ["/derp/probe", "/derp/latency-check"]) {
    healthy = false;
    assertEquals(await status(path), 503, path);
    healthy = true;
    assertEquals(await status(path), 200, path);
  }
  healthy = false;
  assertEquals(await status("/generate_204"), 204);
  assertEquals(await status("/"), 200);
});

Deno.test("mainRoutes() hands the paths of operators on, and shows them alone the way", async () => {
  const handler = mainRoutes({
    home: { kind: "default" },
    derp: true,
    debug: ({ url }) => new Response(`debug ${new URL(url).pathname}`),
    isOperator: ({ headers }) => Promise.resolve(headers.has("X-Operator")),
  });
  for (const path of ["/debug", "/debug/", "/debug/varz"]) {
    assertEquals(await (await get(handler, path)).text(), `debug ${path}`);
  }
  const link = 'href="/debug/"';
  assert(!(await (await get(handler, "/")).text()).includes(link));
  assert(!(await (await get(handler, "/debugx")).text()).includes("debug /"));
  const headers = { "X-Operator": "1" };
  const request = new Request("https://relay.test/", { headers });
  assertStringIncludes(await (await handler(request, INFO)).text(), link);
});

Deno.test("plainRoutes() serves /debug as the main port does, and leads operators there", async () => {
  const handler = plainRoutes({
    main: ({ url }) => new Response(`main ${new URL(url).pathname}`),
    isOperator: (_, { remote }) => Promise.resolve(remote.ip === "127.0.0.1"),
  });
  const visit = async (path: string, ip: string, method = "GET") => {
    const request = new Request(`http://relay.test${path}`, {
      method,
      headers: { "Host": "relay.test" },
    });
    const remote = { ip, port: 1 };
    const response = await handler(request, { remote, secure: false });
    return response.headers.get("Location") ?? await response.text();
  };
  for (const path of ["/debug", "/debug/varz", "/debugx"]) {
    assertEquals(await visit(path, "192.0.2.1"), `main ${path}`);
    assertEquals(await visit(path, "192.0.2.1", "POST"), `main ${path}`);
  }
  assertEquals(await visit("/", "127.0.0.1"), "https://relay.test/debug/");
  assertEquals(await visit("/", "192.0.2.1"), "https://relay.test/");
  assertEquals(await visit("/?a", "127.0.0.1"), "https://relay.test/?a");
  assertEquals(await visit("/a", "127.0.0.1"), "https://relay.test/a");
  assertEquals(await visit("/", "127.0.0.1", "POST"), "Use HTTPS\n");
});

Deno.test("plainRoutes() answers ACME challenges where there is ACME", async () => {
  const path = "/.well-known/acme-challenge/";
  const challenge = (token: string) => token === "abc" ? "abc.xyz" : undefined;
  const handler = plainRoutes({ challenge });
  assertEquals(await (await get(handler, `${path}abc`)).text(), "abc.xyz");
  assertEquals((await get(handler, `${path}abc?x`)).status, 200);
  for (const token of ["", "abd", "abc/", "%61bc"]) {
    assertEquals((await get(handler, path + token)).status, 404, token);
  }
  const request = `GET ${path}abc HTTP/1.1\r\nHost: relay.test\r\n\r\n`;
  const without = await exchange(request, { handler: plainRoutes() });
  assertEquals(without.responses[0]?.status, 302);
});
