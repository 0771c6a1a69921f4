/** Each release of tailscaled says who is in its tailnet. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { RelayProgram, runCommand } from "../support/relay_program.ts";
import { TAILSCALE_VERSIONS } from "../support/tailscale_programs.ts";
import { Tailnet, Tailscaled } from "../support/tailnet.ts";

for (const version of TAILSCALE_VERSIONS) {
  Deno.test(`relay with tailscaled ${version} admits a member and the node itself, and refuses a stranger`, async () => {
    await using tailnet = await Tailnet.start();
    await using daemon = await Tailscaled.join(tailnet, { version });
    const member = await tailnet.add(daemon, "laptop");
    await using relay = await RelayProgram.start([
      "-verify-clients",
      `-socket=${daemon.dir}`, // the directory of the socket
    ]);
    using _client = await relay.admits(member);
    const { AdmittedBy, Node } = await relay.traffic(member);
    assertStringIncludes(String(AdmittedBy), daemon.dir);
    assertEquals(Node, "laptop.tailnet.test");
    (await relay.admits(await daemon.privateKey())).close();
    const refusal = await relay.refuses(NodePrivate.generate());
    assertStringIncludes(refusal, "Not found in the tailnet");
  });

  Deno.test(`derper verify with tailscaled ${version} exits with 0 for a member, with 1 for a stranger and for everybody when it is down`, async () => {
    await using tailnet = await Tailnet.start();
    await using daemon = await Tailscaled.join(tailnet, { version });
    const member = await tailnet.add(daemon, "laptop");
    const stranger = NodePrivate.generate();
    const verify = (key: NodePrivate) =>
      runCommand(
        ...["verify", key.publicKey.toString()],
        ...["-verify-clients", `-socket=${daemon.socket}`],
      );
    const good = await verify(member);
    assertEquals(good.code, 0, good.stderr);
    assertStringIncludes(good.stdout, "admitted");
    assertStringIncludes(good.stdout, daemon.socket);
    const bad = await verify(stranger);
    assertEquals(bad.code, 1, bad.stderr);
    assertStringIncludes(bad.stdout, "refused");
    assertStringIncludes(bad.stdout, daemon.socket);
    await daemon.kill();
    const unknown = await verify(member);
    assertEquals(unknown.code, 1, unknown.stderr);
    assertStringIncludes(unknown.stdout, "can't tell");
  });
}
