/** Real nodes of two tailnets at one relay. */
import { assertStringIncludes } from "../support/assert.ts";
import { eventually } from "../support/child.ts";
import { RelayProgram } from "../support/relay_program.ts";
import { MIDDLE, NEWEST } from "../support/tailscale_programs.ts";
import { Tailnet, Tailscaled } from "../support/tailnet.ts";

/** They may not find each other without the relay. */
const ENV = { TS_DEBUG_NEVER_DIRECT_UDP: "1", TS_DEBUG_ALWAYS_USE_DERP: "1" };

Deno.test("relay carries the packets of two tailnets, each verified by its own tailscaled", async () => {
  const dirs = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  await using relay = await RelayProgram.start(
    ["-verify-clients", `-socket=${dirs[0]}`, `-socket=${dirs[1]}`],
    { isPublic: true },
  );
  const ports = { derpPort: relay.port, stunPort: relay.stunPort };
  // The control server tells nodes older than 1.80 nothing of each other's home.
  const tried = await Promise.allSettled(
    [MIDDLE, NEWEST].map(async (version, at) => {
      await using tailnet = await Tailnet.start(ports);
      await using verifier = await Tailscaled.join(
        tailnet,
        { version, dir: dirs[at]!, env: ENV },
      );
      await using peer = await Tailscaled.join(
        tailnet,
        { version, hostname: "peer", env: ENV },
      );
      await Promise.all([verifier.hasHome(), peer.hasHome()]);
      // A ping before both know where the other is at home is lost.
      const to = await peer.ip();
      const pong = await eventually(
        () =>
          verifier.cli(...["ping", "--until-direct=false", "--c=1"], to)
            .catch(() => undefined),
        () => `a pong from ${to}`,
      );
      assertStringIncludes(pong, "via DERP(test)");
      for (const node of [verifier, peer]) {
        const { AdmittedBy } = await relay.traffic(await node.privateKey());
        assertStringIncludes(String(AdmittedBy), dirs[at]!);
      }
    }),
  );
  for (const one of tried) if (one.status === "rejected") throw one.reason;
});
