/** /bootstrap-dns: what is looked up, kept and told to whom. */
import type { BootstrapName } from "../../../src/http/bootstrap_names.ts";
import { BootstrapDns } from "../../../src/http/bootstrap_dns.ts";
import { mainRoutes } from "../../../src/http/routes.ts";
import type { Resolver } from "../../../src/http/system_resolver.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { exchange } from "../../support/http_exchange.ts";

/** Not the first half of a rollout, by derper's choice. */
const REACHED = "1.2.3.4";
const NOT_REACHED = "1.2.3.6";

/** A BootstrapDns whose DNS is a pair of tables; disposed of, it has left no timer behind. */
class Bench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly addresses = new Map<string, string[] | Error>();
  readonly texts = new Map<string, string[] | Error>();
  /** While set, nothing is answered. */
  isSilent = false;
  questions = 0;
  readonly dns: BootstrapDns;

  constructor(published: string[], unpublished: BootstrapName[] = []) {
    const resolver: Resolver = {
      addresses: (name, signal) => this.#answer(this.addresses, name, signal),
      texts: (name, signal) => this.#answer(this.texts, name, signal),
    };
    this.dns = new BootstrapDns({
      published,
      unpublished,
      clock: this.clock,
      resolver,
      random: () => 0.999, // a shuffle that changes nothing
    });
  }

  async #answer(
    table: Map<string, string[] | Error>,
    name: string,
    signal: AbortSignal,
  ): Promise<string[]> {
    this.questions++;
    await Promise.resolve(); // the first question comes before a test has filled the tables
    if (this.isSilent) {
      await new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    }
    const answer = table.get(name) ?? new Error("no record found");
    if (answer instanceof Error) throw answer;
    return answer;
  }

  async get(query = "", ip = REACHED): Promise<string> {
    const response = await this.dns.handler(
      new Request(`https://relay.test/bootstrap-dns${query}`),
      { remote: { ip, port: 1 }, secure: true },
    );
    return await response.text();
  }

  /** The counters that aren't 0, by the end of their names. */
  counts(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.dns.snapshot())
        .map(([name, value]) => [
          name.replace("counter_bootstrap_dns_", ""),
          value,
        ])
        .filter(([, value]) => value !== 0),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dns.close();
    assertEquals(this.clock.pending, 0);
  }
}

Deno.test("BootstrapDns answers byte for byte as derper 1.102.5", async () => {
  await using bench = new Bench(["vm", "localhost"]);
  bench.addresses.set("vm", ["127.0.0.1"]);
  bench.addresses.set("localhost", ["127.0.0.1"]);
  await settle();
  const handler = mainRoutes({
    home: { kind: "default" },
    derp: true,
    bootstrapDns: bench.dns.handler,
  });
  const body =
    '{\n\t"localhost": [\n\t\t"127.0.0.1"\n\t],\n\t"vm": [\n\t\t"127.0.0.1"\n\t]\n}';
  const request = "GET /bootstrap-dns?q=zz HTTP/1.1\r\nHost: a\r\n\r\n";
  const { responses, end } = await exchange(request, { handler });
  assertEquals(responses[0]!.statusLine, "HTTP/1.1 200 OK");
  assertEquals(responses[0]!.body, body);
  assertEquals(
    Object.fromEntries([...responses[0]!.fields].toSorted()),
    {
      "Connection": "close",
      "Content-Length": "63",
      "Content-Security-Policy":
        "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'; block-all-mixed-content; object-src 'none'",
      "Content-Type": "application/json",
      "Date": "Fri, 02 Jan 2026 03:04:05 GMT",
      "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
    },
  );
  assertEquals(end, { kind: "closed" });
});

Deno.test("BootstrapDns answers one request a connection, whatever the method", async () => {
  await using bench = new Bench([]);
  const { handler } = bench.dns;
  for (const method of ["GET", "POST", "HEAD", "DELETE"]) {
    const request = `${method} /bootstrap-dns HTTP/1.1\r\nHost: a\r\n\r\n`;
    const { responses } = await exchange(request + request, { handler });
    assertEquals(responses.map(({ status }) => status), [200], method);
  }
  assertEquals(bench.counts(), { requests: 4 });
});

Deno.test("BootstrapDns without names asks nothing and answers nothing, as derper does", async () => {
  await using bench = new Bench([]);
  await bench.clock.advance(600_000);
  assertEquals(await bench.get(), "");
  assertEquals(bench.questions, 0);
});

Deno.test("BootstrapDns answers with nothing before the first look-up, and null when it found nothing", async () => {
  await using bench = new Bench(["a.test"]);
  assertEquals(await bench.get(), "");
  await settle();
  assertEquals(await bench.get(), "null");
});

Deno.test("BootstrapDns looks up every minute, and keeps what it has when that fails", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench(["a.test", "b.test"]);
  const a = bench.addresses;
  a.set("a.test", ["192.0.2.1", "2001:db8::1"]);
  await settle();
  const first = JSON.parse(await bench.get());
  assertEquals(first, { "a.test": ["192.0.2.1", "2001:db8::1"] });
  a.set("a.test", new Error("SERVFAIL")).set("b.test", ["192.0.2.2"]);
  await bench.clock.advance(59_999);
  assertEquals(JSON.parse(await bench.get()), first);
  await bench.clock.advance(1);
  const both = { ...first, "b.test": ["192.0.2.2"] };
  assertEquals(JSON.parse(await bench.get()), both);
  await bench.clock.advance(60_000);
  a.set("a.test", ["192.0.2.9"]);
  await bench.clock.advance(60_000);
  const after = { ...both, "a.test": ["192.0.2.9"] };
  assertEquals(JSON.parse(await bench.get()), after);
  assertEquals(log.lines.length, 4);
  assert(log.lines[0]!.includes("look-up of b.test fails"));
  assert(log.lines[0]!.endsWith(": no record found"));
  assertEquals(log.matching("a.test fails").length, 1);
  assertEquals(log.matching("b.test works again").length, 1);
  assertEquals(log.matching("a.test works again").length, 1);
});

Deno.test("BootstrapDns gives DNS 30 s, and then asks again a minute later", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench(["a.test"], [{ name: "b.test" }]);
  bench.isSilent = true;
  await bench.clock.advance(29_999);
  assertEquals(log.lines, []);
  await bench.clock.advance(1);
  assertEquals(log.lines.length, 2);
  assert(log.lines[0]!.endsWith(": no answer in time"), log.lines[0]);
  bench.isSilent = false;
  bench.addresses.set("a.test", ["192.0.2.1"]);
  await bench.clock.advance(60_000);
  assertEquals(JSON.parse(await bench.get()), { "a.test": ["192.0.2.1"] });
});

Deno.test("BootstrapDns.close() ends a look-up under way, and says nothing of it", async () => {
  await using log = await CapturedLog.start();
  const bench = new Bench(["a.test"], [{ name: "b", rolloutRecord: "c" }]);
  bench.isSilent = true;
  await settle();
  await bench[Symbol.asyncDispose]();
  assertEquals(log.lines, []);
});

Deno.test("BootstrapDns tells an unpublished name to who asks for it alone", async () => {
  await using bench = new Bench(["a.test"], [{ name: "b.test" }]);
  bench.addresses.set("a.test", ["192.0.2.1"]).set("b.test", ["192.0.2.2"]);
  await settle();
  const published = { "a.test": ["192.0.2.1"] };
  assertEquals(JSON.parse(await bench.get("?q=b.test")), {
    "b.test": ["192.0.2.2"],
  });
  for (const query of ["", "?q=", "?q=a.test", "?q=c.test", "?b.test"]) {
    assertEquals(JSON.parse(await bench.get(query)), published, query);
  }
  assertEquals(bench.counts(), {
    requests: 6,
    queried_domains: 3,
    unpublished_hits: 1,
    published_hits: 1,
    unpublished_misses: 1,
  });
});

Deno.test("BootstrapDns tells an unpublished name to a percentage of clients", async () => {
  const unpublished = [{ name: "b.test", rolloutRecord: "r.test" }];
  await using bench = new Bench(["a.test"], unpublished);
  bench.addresses.set("a.test", ["192.0.2.1"]).set("b.test", ["192.0.2.2"]);
  const published = { "a.test": ["192.0.2.1"] };
  const hidden = { "b.test": ["192.0.2.2"] };
  const ask = async (ip: string) =>
    JSON.parse(await bench.get("?q=b.test", ip));
  await settle();
  assertEquals(await ask(REACHED), published); // no record, no client
  bench.texts.set("r.test", ["v=spf1", "101", "-1", "50"]);
  await bench.clock.advance(60_000);
  assertEquals(await ask(REACHED), hidden);
  assertEquals(await ask(NOT_REACHED), published);
  bench.texts.set("r.test", new Error("SERVFAIL"));
  await bench.clock.advance(60_000);
  assertEquals(await ask(REACHED), hidden); // as it was known last
  bench.texts.set("r.test", ["100"]);
  await bench.clock.advance(60_000);
  assertEquals(await ask(NOT_REACHED), hidden);
  bench.texts.set("r.test", []);
  await bench.clock.advance(60_000);
  assertEquals(await ask(REACHED), published);
  assertEquals(bench.counts(), {
    requests: 6,
    queried_domains: 1,
    unpublished_hits: 6,
    unpublished_percent_misses: 3,
    unpublished_misses: 3,
  });
});

Deno.test("BootstrapDns counts a published name without addresses as missed", async () => {
  await using bench = new Bench(["a.test"]);
  await settle();
  await bench.get("?q=a.test");
  assertEquals(bench.counts(), {
    requests: 1,
    queried_domains: 1,
    published_misses: 1,
  });
});

Deno.test("BootstrapDns counts up to 500 different names, and none that can't be one", async () => {
  await using bench = new Bench([]);
  await bench.get(`?q=${"x".repeat(256)}`);
  for (let i = 0; i < 500; i++) await bench.get(`?q=n${i}`);
  for (let i = 0; i < 500; i++) await bench.get(`?q=n${i}`);
  assertEquals(bench.counts()["queried_domains"], 500);
  await bench.get("?q=one-more");
  assertEquals(bench.counts()["queried_domains"], undefined);
});

Deno.test("BootstrapDns takes an IP address for itself", async () => {
  await using bench = new Bench(["192.0.2.7", "::ffff:192.0.2.8"]);
  await settle();
  assertEquals(JSON.parse(await bench.get()), {
    "192.0.2.7": ["192.0.2.7"],
    "::ffff:192.0.2.8": ["192.0.2.8"],
  });
  assertEquals(bench.questions, 0);
});
