/** /bootstrap-dns with a DNS server of its own, and the system's resolver. */
import { BootstrapDns } from "../../src/http/bootstrap_dns.ts";
import { systemResolver } from "../../src/http/system_resolver.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { DnsServer } from "../support/dns_server.ts";
import { FakeClock } from "../support/fake_clock.ts";

const { signal } = new AbortController();

Deno.test("systemResolver() finds addresses of both families, written as Go writes them", async () => {
  await using server = new DnsServer();
  const resolver = systemResolver(server.address);
  const ips = ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::", "2001:db8::1"];
  server.records.set("both.test", { ips });
  server.records.set("six.test", { ips: ["::ffff:192.0.2.9"] });
  assertEquals((await resolver.addresses("both.test", signal)).sort(), ips);
  assertEquals(await resolver.addresses("six.test", signal), ["192.0.2.9"]);
});

Deno.test("systemResolver() rejects where there are no addresses", async () => {
  await using server = new DnsServer();
  const resolver = systemResolver(server.address);
  server.records.set("text.test", { texts: [["50"]] });
  for (const name of ["absent.test", "text.test"]) {
    await assertRejects(
      () => resolver.addresses(name, signal),
      Deno.errors.NotFound,
    );
  }
});

Deno.test("systemResolver() joins the parts of a TXT record, and finds none where there is none", async () => {
  await using server = new DnsServer();
  const resolver = systemResolver(server.address);
  server.records.set("text.test", { texts: [["5", "0"], ["other"]] });
  assertEquals((await resolver.texts("text.test", signal)).sort(), [
    "50",
    "other",
  ]);
  assertEquals(await resolver.texts("absent.test", signal), []);
});

Deno.test("systemResolver() gives up when it is told to", async () => {
  await using server = new DnsServer();
  server.isSilent = true;
  const resolver = systemResolver(server.address);
  const stop = new AbortController();
  const looking = resolver.addresses("a.test", stop.signal);
  while (server.questions < 2) await pause();
  stop.abort();
  await assertRejects(() => looking);
});

Deno.test("systemResolver() knows the names of the system without a DNS server", async () => {
  const ips = await systemResolver().addresses("localhost", signal);
  assert(ips.includes("127.0.0.1") || ips.includes("::1"), ips.join());
});

Deno.test("BootstrapDns serves what DNS says, and keeps it when DNS is gone", async () => {
  await using server = new DnsServer();
  server.records.set("control.test", { ips: ["192.0.2.1"] });
  server.records.set("hidden.test", { ips: ["192.0.2.2"] });
  server.records.set("share.test", { texts: [["100"]] });
  const clock = new FakeClock();
  const dns = new BootstrapDns({
    published: ["control.test"],
    unpublished: [{ name: "hidden.test", rolloutRecord: "share.test" }],
    clock,
    resolver: systemResolver(server.address),
  });
  const get = async (query = "") => {
    const request = new Request(`https://relay.test/bootstrap-dns${query}`);
    const remote = { ip: "192.0.2.99", port: 1 };
    const response = await dns.handler(request, { remote, secure: true });
    return await response.text();
  };
  while (await get() === "") await pause();
  assertEquals(JSON.parse(await get()), { "control.test": ["192.0.2.1"] });
  const hidden = { "hidden.test": ["192.0.2.2"] };
  assertEquals(JSON.parse(await get("?q=hidden.test")), hidden);
  server.records.set("control.test", { fails: 2 });
  server.records.delete("hidden.test");
  const { questions } = server;
  await clock.advance(60_000);
  while (server.questions < questions + 5) await pause();
  assertEquals(JSON.parse(await get()), { "control.test": ["192.0.2.1"] });
  assertEquals(JSON.parse(await get("?q=hidden.test")), hidden);
  await dns.close();
  assertEquals(clock.pending, 0);
});

/** Gives sockets time. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
}
