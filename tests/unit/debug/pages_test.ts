/** The pages below `/debug/`, and those of the metrics port. */
import type { Admission } from "../../../src/admission/admission.ts";
import { DebugAccess } from "../../../src/debug/access.ts";
import { metricsPort } from "../../../src/debug/metrics_port.ts";
import { debugPages } from "../../../src/debug/pages.ts";
import { StatusPage } from "../../../src/debug/status/status_page.ts";
import { FrameType } from "../../../src/derp/frame.ts";
import { LogLimiter } from "../../../src/log/limited.ts";
import { Health } from "../../../src/util/health.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { fakeFacts } from "../../support/fake_sessions.ts";
import { packetOf } from "../../support/packets.ts";
import { TestRelay } from "../../support/test_relay.ts";

interface Visit {
  readonly ip?: string;
  readonly admission?: Admission;
}

async function visit(
  { relay, clock }: TestRelay,
  path: string,
  { ip = "127.0.0.1", admission }: Visit = {},
): Promise<Response> {
  const limiter = new LogLimiter(clock);
  const handler = debugPages({
    access: await DebugAccess.create({ limiter }),
    version: "1.2.3",
    sources: [relay.metrics],
    table: relay.table,
    admission,
    status: new StatusPage(
      fakeFacts([...relay.table.sessions()], { machine: "<vm>" }),
      clock,
    ),
  });
  return await handler(new Request(`https://relay.test${path}`), {
    remote: { ip, port: 1 },
    secure: true,
  });
}

function verifier(problem: string | undefined): Admission {
  return {
    admit: () => Promise.resolve({ allow: true, by: "verifier" }),
    check: () => Promise.resolve(problem),
  };
}

Deno.test("debugPages() refuses strangers without a detail, whatever they ask for", async () => {
  await using relay = new TestRelay();
  for (
    const path of [
      "/debug/",
      "/debug/events",
      "/debug/status.css",
      "/debug/status.js",
      "/debug/vars",
      "/debug/varz",
      "/debug/check",
      "/debug/traffic",
      "/debug/nope",
      "/debug/varz?debugkey=x",
    ]
  ) {
    const response = await visit(relay, path, { ip: "192.0.2.1" });
    assertEquals(response.status, 403, path);
    assertEquals(await response.text(), "debug access denied\n", path);
  }
});

Deno.test("debugPages() leads to the index, which links all pages", async () => {
  await using relay = new TestRelay();
  const redirect = await visit(relay, "/debug", { ip: "192.0.2.1" });
  assertEquals(redirect.status, 307);
  assertEquals(redirect.headers.get("Location"), "/debug/");
  const response = await visit(relay, "/debug/");
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("Content-Type"),
    "text/html; charset=utf-8",
  );
  assertEquals(response.headers.get("X-Frame-Options"), "DENY");
  const html = await response.text();
  assertStringIncludes(html, "<h1>relay.test</h1>");
  assertStringIncludes(html, "1.2.3 <small>on &#60;vm&#62;");
  assertStringIncludes(html, "<dd>1h 2m <small>");
  const links = [...html.matchAll(/href="(\/debug\/[a-z.]+)"/g)]
    .map(([, href]) => href!);
  assertEquals(links, [
    "/debug/status.css",
    "/debug/varz",
    "/debug/vars",
    "/debug/traffic",
    "/debug/check",
  ]);
  for (const link of links) {
    assertEquals((await visit(relay, link)).status, 200, link);
  }
});

Deno.test("debugPages() shows how long a client is here, and what waits for it", async () => {
  await using relay = new TestRelay({ writeTimeoutMs: 0 });
  using deaf = await relay.connect({ pair: { bufferBytes: 500 } });
  await relay.clock.advance(50_000);
  using sender = await relay.connect();
  for (let i = 0; i < 4; i++) {
    await sender.sendPacket(deaf.publicKey, packetOf(1_000));
    await settle();
  }
  const html = await (await visit(relay, "/debug/?sort=queue")).text();
  const row = html.slice(html.indexOf('class="node"'));
  assertStringIncludes(row, `title="${deaf.publicKey}"`);
  assertStringIncludes(row, '<td class="n since">50s</td>');
  // The first is being written; 1,037 bytes each with header and key.
  assertStringIncludes(row, '<td class="n queue">3.11 kB</td>');
});

Deno.test("debugPages() has no page that it doesn't link", async () => {
  await using relay = new TestRelay();
  for (const path of ["/debug/nope", "/debug/vars/", "/debug/pprof/"]) {
    assertEquals((await visit(relay, path)).status, 404, path);
  }
});

Deno.test("debugPages() has the home connections where the acceptance suite looks", async () => {
  await using relay = new TestRelay();
  using client = await relay.connect();
  await client.send(FrameType.NotePreferred, Uint8Array.of(1));
  await settle();
  const response = await visit(relay, "/debug/vars");
  assertEquals(
    response.headers.get("Content-Type"),
    "application/json; charset=utf-8",
  );
  const vars = await response.json();
  assertEquals(vars.derp.gauge_current_home_connections, 1);
  const varz = await visit(relay, "/debug/varz");
  assertStringIncludes(
    await varz.text(),
    "# TYPE derp_current_home_connections gauge\nderp_current_home_connections 1\n",
  );
});

Deno.test("debugPages() checks the table and the verification", async () => {
  await using relay = new TestRelay();
  const fine = await visit(relay, "/debug/check", {
    admission: verifier(undefined),
  });
  assertEquals(fine.status, 200);
  assertEquals(await fine.text(), "Consistency check okay\n");
  relay.relay.metrics.clientsTotal = 7;
  const broken = await visit(relay, "/debug/check", {
    admission: verifier("tailscaled is gone"),
  });
  assertEquals(broken.status, 500);
  assertEquals(
    await broken.text(),
    "clientsTotal is 7, but the table has 0\ntailscaled is gone\n",
  );
});

Deno.test("debugPages() tells what each client moves, the busiest first", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  await relay.clock.advance(60_000); // the one keep-alive isn't due
  using b = await relay.connect();
  using _idle = await relay.connect();
  await a.sendPacket(b.publicKey, packetOf(10));
  await b.sendPacket(a.publicKey, packetOf(20));
  await b.sendPacket(a.publicKey, packetOf(30));
  await settle();
  const text = await (await visit(relay, "/debug/traffic")).text();
  const lines = text.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, 3);
  assertEquals(lines.find(({ Key }) => Key === a.publicKey.toString()), {
    Sent: 50,
    Recv: 10,
    Key: a.publicKey.toString(),
    UniqueSenders: 1,
    PacketsSent: 2,
    PacketsRecv: 1,
    PacketsDropped: 0,
    Since: "2026-01-02T03:04:05.000Z",
    IP: lines[0].IP,
    Port: lines[0].Port,
    MeshPeer: false,
  });
  assertEquals(
    lines.map(({ Sent, Recv }) => Sent + Recv),
    [60, 60, 0],
  );
});

Deno.test("debugPages() tells who has admitted each client, and what it calls the node", async () => {
  const admission: Admission = {
    ...verifier(undefined),
    admit: () =>
      Promise.resolve({ allow: true, by: 'keys file "/k"', node: "laptop" }),
  };
  await using relay = new TestRelay({ admission });
  using _client = await relay.connect();
  const traffic = await (await visit(relay, "/debug/traffic")).json();
  assertEquals(
    [traffic.AdmittedBy, traffic.Node],
    ['keys file "/k"', "laptop"],
  );
});

Deno.test("metricsPort() has metrics, and is ready while all parts work", async () => {
  await using relay = new TestRelay();
  const health = new Health();
  const handler = metricsPort({
    sources: [relay.relay.metrics],
    version: "1.2.3",
    health,
  });
  const get = async (path: string, method = "GET") => {
    const request = new Request(`http://relay.test${path}`, { method });
    const remote = { ip: "192.0.2.1", port: 1 };
    const response = await handler(request, { remote, secure: false });
    return [response.status, await response.text()] as const;
  };
  const [status, metrics] = await get("/metrics");
  assertEquals(status, 200);
  assert(metrics.includes("\nderp_watchers 0\n"));
  assertEquals(await get("/healthz"), [200, "up\n"]);
  assertEquals(await get("/readyz"), [200, "ready\n"]);
  health.report("certificate", "there is none yet");
  health.report("draining", "the relay is about to stop");
  assertEquals(await get("/healthz"), [200, "up\n"]);
  assertEquals(await get("/readyz"), [
    503,
    "certificate: there is none yet\ndraining: the relay is about to stop\n",
  ]);
  assertEquals((await get("/debug/vars"))[0], 404);
  assertEquals((await get("/metrics", "POST"))[0], 405);
});
