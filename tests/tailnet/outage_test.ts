/** A real tailscaled that is killed, and comes back. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { RelayProgram } from "../support/relay_program.ts";
import { NEWEST, OLDEST } from "../support/tailscale_programs.ts";
import { Tailnet, Tailscaled } from "../support/tailnet.ts";

Deno.test("relay admits nobody while tailscaled is down, as derper, and everybody when it is back", async () => {
  await using tailnet = await Tailnet.start();
  await using daemon = await Tailscaled.join(tailnet);
  const member = await tailnet.add(daemon, "laptop");
  await using relay = await RelayProgram.start([
    "-verify-clients",
    `-socket=${daemon.socket}`,
  ]);
  (await relay.admits(member)).close();
  await daemon.kill();
  const mark = relay.child.mark;
  await relay.refuses(member);
  await relay.refuses(NodePrivate.generate());
  await daemon.start();
  (await relay.admitsAgain(member)).close();
  await relay.refuses(NodePrivate.generate());
  (await relay.admits(member)).close();
  assertEquals(relay.changes(daemon.socket, mark), ["down", "back"]);
});

for (const version of [OLDEST, NEWEST]) {
  Deno.test(`relay with -verify-stale-ttl admits whom tailscaled ${version} knew before it went down, and nobody else`, async () => {
    await using tailnet = await Tailnet.start();
    await using daemon = await Tailscaled.join(tailnet, { version });
    const known = await tailnet.add(daemon, "known");
    const unknown = await tailnet.add(daemon, "unknown");
    const stranger = NodePrivate.generate();
    await using relay = await RelayProgram.start([
      "-verify-clients",
      `-socket=${daemon.socket}`,
      "-verify-stale-ttl=24h",
    ]);
    (await relay.admits(known)).close();
    await daemon.kill();
    const mark = relay.child.mark;
    for (let round = 0; round < 3; round++) {
      (await relay.admits(known)).close();
      await relay.refuses(unknown);
      await relay.refuses(stranger);
    }
    assertEquals(relay.changes(daemon.socket, mark), ["down"]);

    await daemon.start();
    (await relay.admitsAgain(unknown)).close();
    for (const key of [known, unknown]) (await relay.admits(key)).close();
    await relay.refuses(stranger);
    (await relay.admits(known)).close();
    assertEquals(relay.changes(daemon.socket, mark), ["down", "back"]);
  });
}

Deno.test("relay with -verify-cache-ttl doesn't ask tailscaled again", async () => {
  await using tailnet = await Tailnet.start();
  await using daemon = await Tailscaled.join(tailnet);
  const member = await tailnet.add(daemon, "laptop");
  await using relay = await RelayProgram.start([
    "-verify-clients",
    `-socket=${daemon.socket}`,
    "-verify-cache-ttl=5m",
  ]);
  (await relay.admits(member)).close();
  await daemon.kill();
  (await relay.admits(member)).close();
  await relay.refuses(NodePrivate.generate());
});

const TROUBLES = {
  "that is switched off": (daemon: Tailscaled) => daemon.cli("down"),
  "whose own key has expired": (daemon: Tailscaled, tailnet: Tailnet) =>
    tailnet.expire(daemon),
};

for (const version of [OLDEST, NEWEST]) {
  for (const [which, cause] of Object.entries(TROUBLES)) {
    Deno.test(`relay with a tailscaled ${version} ${which} tells members from strangers as before`, async () => {
      await using tailnet = await Tailnet.start();
      await using daemon = await Tailscaled.join(tailnet, { version });
      const member = await tailnet.add(daemon, "laptop");
      await cause(daemon, tailnet);
      await tellsApart(daemon, member);
    });
  }
}

/** A new relay does, and finds nothing wrong with `daemon`. */
async function tellsApart(
  { socket }: Tailscaled,
  member: NodePrivate,
): Promise<void> {
  await using relay = await RelayProgram.start([
    "-verify-clients",
    `-socket=${socket}`,
  ]);
  for (let round = 0; round < 2; round++) {
    (await relay.admits(member)).close();
    const refusal = await relay.refuses(NodePrivate.generate());
    assertStringIncludes(refusal, "Not found in the tailnet");
  }
  assertEquals(relay.changes(socket, 0), []);
}
