/** From a tailscaled that goes away to clients that look for another home: the parts together. */
import { TailscaledSource } from "../../src/admission/tailscaled.ts";
import { Verifier } from "../../src/admission/verifier.ts";
import { VerifierWatch } from "../../src/admission/verifier_watch.ts";
import { metricsPort } from "../../src/debug/metrics_port.ts";
import type { HttpHandler } from "../../src/http/connection.ts";
import { mainRoutes } from "../../src/http/routes.ts";
import { NodePublic } from "../../src/keys/node_key.ts";
import { LogLimiter } from "../../src/log/limited.ts";
import { StunMetrics } from "../../src/stun/metrics.ts";
import { StunServer } from "../../src/stun/server.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import { Health } from "../../src/util/health.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeTailscaled } from "../support/fake_tailscaled.ts";
import { bindingRequest } from "../support/stun_client.ts";

const SELF = NodePublic.fromBytes(new Uint8Array(32).fill(1));
const HEALTH = { good: true, bad: false };
const STEP_MS = 15_000;

/** What a client asks, and what comes back. */
async function get(handler: HttpHandler, path: string): Promise<Response> {
  const request = new Request(`https://relay.test${path}`);
  const remote = { ip: "192.0.2.1", port: 1 };
  return await handler(request, { remote, secure: true });
}

Deno.test("Health gate: nobody is drawn to a relay whose tailscaled is gone for a minute, until it is back", async () => {
  const folder = await Deno.makeTempDir();
  const socketPath = `${folder}/tailscaled.sock`;
  const daemon = new FakeTailscaled(socketPath, SELF);
  const clock = new FakeClock();
  const health = new Health();
  const isHealthy = () => health.isHealthy;
  const standing = new FakeClock(); // its deadlines never come
  const verifier = new Verifier({
    sources: [new TailscaledSource({ socketPath, clock: standing })],
    policy: "each-kind",
    urlFailOpen: true,
    cacheTtlMs: 0,
    staleTtlMs: 0,
    clock: standing,
    limiter: new LogLimiter(standing),
  });
  const watch = new VerifierWatch({ verifier, health, clock, tell() {} });
  const metrics = new StunMetrics();
  const stun = StunServer.listen({ hostname: "127.0.0.1", port: 0 }, {
    metrics,
    clock,
    limiter: new LogLimiter(clock),
    turn: { wait: () => Promise.resolve() },
    isHealthy,
  });
  const pages = mainRoutes({
    home: { kind: "default" },
    derp: true,
    isHealthy,
  });
  const port = metricsPort({ sources: [metrics], version: "1", health });
  const client = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
  });
  const ask = () =>
    client.send(bindingRequest(), {
      transport: "udp",
      hostname: "127.0.0.1",
      port: stun.port,
    });
  /** Lets checks pass, each of which takes a real connection, until health is `wanted`. */
  const passed = async (wanted: boolean) => {
    let ms = 0;
    while (health.isHealthy !== wanted) {
      await delay(systemClock, 1);
      if (clock.pending !== 1) continue; // a check is under way
      await clock.advance(STEP_MS);
      ms += STEP_MS;
    }
    return ms;
  };

  await ask();
  await client.receive();
  assertEquals((await get(pages, "/derp/probe")).status, 200);

  await daemon[Symbol.asyncDispose]();
  const failedMs = await passed(HEALTH.bad);
  assert(failedMs >= 60_000 && failedMs <= 90_000, `${failedMs}`);
  await ask();
  while (metrics.unhealthy === 0) await delay(systemClock, 1);
  assertEquals(metrics.successes, 1);
  assertEquals((await get(pages, "/derp/probe")).status, 503);
  assertEquals((await get(pages, "/generate_204")).status, 204);
  const readiness = await get(port, "/readyz");
  assertEquals(readiness.status, 503);
  assertStringIncludes(await readiness.text(), socketPath);

  await using _again = new FakeTailscaled(socketPath, SELF);
  await passed(HEALTH.good);
  await ask();
  await client.receive();
  assertEquals((await get(pages, "/derp/probe")).status, 200);
  assertEquals((await get(port, "/readyz")).status, 200);

  client.close();
  await watch.close();
  await stun.close();
  await Deno.remove(folder, { recursive: true });
});
