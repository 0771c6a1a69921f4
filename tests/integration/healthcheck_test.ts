/** `derper healthcheck` as a container's runtime runs it. */
import { assertEquals, assertMatch } from "../support/assert.ts";
import { startOurs } from "../support/probed_relay.ts";
import { RelayProgram, runCommand } from "../support/relay_program.ts";

const HOST = "127.0.0.1";

async function healthcheck(
  ...args: string[]
): Promise<{ code: number; line: string }> {
  const { code, stdout, stderr } = await runCommand("healthcheck", ...args);
  assertEquals(stderr, "");
  assertEquals(stdout.trimEnd().split("\n").length, 1);
  return { code, line: stdout.trimEnd() };
}

Deno.test("derper healthcheck finds a relay with a self-signed certificate healthy, and one that has ended not", async () => {
  let flags: string[];
  {
    await using relay = await startOurs();
    flags = [
      ...["-a", `:${relay.port}`, "-hostname", HOST, "-certmode=manual"],
      ...["-http-port=-1", "-stun-port", `${relay.stunPort}`],
    ];
    assertEquals(await healthcheck(...flags), {
      code: 0,
      line: `healthy: HTTPS at 127.0.0.1:${relay.port} answers, STUN answers`,
    });
    const { code, line } = await healthcheck(relay.url, "-stun-port=-1");
    assertEquals(code, 1); // from afar the certificate counts
    assertMatch(line, /^unhealthy: HTTPS at .* has issued the certificate; /);
    const pin = ["-cert-name", relay.certName, "-stun-port=-1"];
    assertEquals((await healthcheck(relay.url, ...pin)).code, 0);
  }
  const { code, line } = await healthcheck(...flags, "-timeout=1s");
  assertEquals(code, 1);
  assertMatch(line, /^unhealthy: HTTPS at 127\.0\.0\.1:\d+: refused; /);
});

Deno.test("derper healthcheck finds a relay without TLS and STUN", async () => {
  await using relay = await RelayProgram.start([]);
  const { code, line } = await healthcheck(
    ...["-a", `${HOST}:${relay.port}`, "-stun=false"],
  );
  assertEquals(code, 0);
  assertEquals(line, `healthy: HTTP at 127.0.0.1:${relay.port} answers`);
});

Deno.test("derper healthcheck asks STUN at the address that a URL's name has", async () => {
  await using relay = await RelayProgram.start(["-stun", "-stun-port=0"]);
  const { code, line } = await healthcheck(
    ...[`http://localhost:${relay.port}`, "-stun-port", `${relay.stunPort}`],
  );
  assertEquals(code, 0);
  assertMatch(line, /^healthy: HTTP at localhost:\d+ answers, STUN answers$/);
});

Deno.test("derper healthcheck tells why a relay isn't ready", async () => {
  await using relay = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    () => new Response("not now", { status: 503 }),
  );
  await using metrics = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    () => new Response("certificate: expired\nmore", { status: 503 }),
  );
  const flags = ["-a", `${HOST}:${relay.addr.port}`, "-stun=false"];
  const plain = await healthcheck(...flags);
  assertEquals(plain.code, 1);
  assertMatch(
    plain.line,
    /503: it can't relay at the moment; its log says why/,
  );
  const ready = await healthcheck(
    ...[...flags, "-metrics-addr", `${HOST}:${metrics.addr.port}`],
  );
  assertEquals(ready, {
    code: 1,
    line: "unhealthy: not ready: certificate: expired",
  });
});

Deno.test("derper healthcheck doesn't take any web server for a relay", async () => {
  await using page = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    () => new Response("welcome"),
  );
  const url = `http://${HOST}:${page.addr.port}`;
  const { code, line } = await healthcheck(url, "-stun-port=-1");
  assertEquals(code, 1);
  assertMatch(line, /\/derp\/probe with no Access-Control-Allow-Origin/);
});

Deno.test("derper healthcheck exits with 2 where it doesn't know what to ask", async () => {
  for (const args of [[], ["-hostname"], ["x.test"], ["-timeout=1h", "-dev"]]) {
    const { code, stdout, stderr } = await runCommand("healthcheck", ...args);
    assertEquals(code, 2);
    assertEquals(stdout, "");
    assertMatch(stderr, /^derper: [^\n]+\n/);
  }
});
