/** The time after SIGTERM with -drain, of the program as an operator runs it. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { eventually } from "../support/child.ts";
import { RelayProgram } from "../support/relay_program.ts";
import { freePort } from "../support/free_ports.ts";

const HOST = "127.0.0.1";
/** Longer than the tests take. */
const LONG = ["-drain", "1h"];

async function statusOf(url: string): Promise<[number, string]> {
  const response = await fetch(url);
  return [response.status, await response.text()];
}

Deno.test("main with -drain isn't ready after SIGTERM and takes nobody, while who is there is served", async () => {
  const metrics = freePort();
  const flags = [...LONG, "-metrics-addr", `${HOST}:${metrics}`];
  await using relay = await RelayProgram.start(flags);
  using client = await relay.admits(NodePrivate.generate());
  const ready = `http://${HOST}:${metrics}/readyz`;
  assertEquals((await statusOf(ready))[0], 200);
  relay.child.signal("SIGTERM");
  await relay.child.line(/closing connections over 3600 s, there are 1;/);
  assertEquals(await statusOf(ready), [
    503,
    "draining: the relay is about to stop\n",
  ]);
  await eventually(
    () => relay.admits(NodePrivate.generate()).then(() => undefined, () => 1),
    () => "a refusal",
  );
  await assertRejects(
    () => Deno.connect({ hostname: HOST, port: relay.port }),
    Deno.errors.ConnectionRefused,
  );
  const packet = crypto.getRandomValues(new Uint8Array(100));
  await client.sendPacket(client.publicKey, packet);
  await client.nextFrame(); // Health
  assertEquals((await client.expectPacket()).packet, packet);
  // The second signal doesn't wait for an hour.
  await relay.child.stop("SIGTERM");
  await client.expectEnd();
});

Deno.test("main with -drain lets the next one have its port at once, also without -reuse-port", async () => {
  await using relay = await RelayProgram.start(LONG);
  using client = await relay.admits(NodePrivate.generate());
  relay.child.signal("SIGTERM");
  await relay.child.line(/closing connections/);
  const address = ["-a", `${HOST}:${relay.port}`];
  await using next = await eventually(
    () => RelayProgram.start(address).catch(() => undefined),
    () => "a second relay",
  );
  using other = await next.admits(NodePrivate.generate());
  assert(other.serverKey.hex() !== client.serverKey.hex());
});

Deno.test("main with -drain ends at once at SIGINT, and with no client left", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    await using relay = await RelayProgram.start(LONG);
    if (signal === "SIGINT") {
      using client = await relay.admits(NodePrivate.generate());
      await relay.child.stop(signal);
      const frames = await client.expectEnd();
      assertEquals(frames.length, 2); // Health, Restarting
    } else {
      await relay.child.stop(signal);
    }
  }
});
