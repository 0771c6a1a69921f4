/** A list of a tailnet's keys takes the place of its tailscaled. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { RelayProgram, runCommand } from "../support/relay_program.ts";
import { TAILSCALE_VERSIONS } from "../support/tailscale_programs.ts";
import { Tailnet, Tailscaled } from "../support/tailnet.ts";

for (const version of TAILSCALE_VERSIONS) {
  Deno.test(`derper keys export writes whom tailscaled ${version} knows, for -verify-keys-file`, async () => {
    await using tailnet = await Tailnet.start();
    await using daemon = await Tailscaled.join(tailnet, { version });
    const member = await tailnet.add(daemon, "laptop");
    const self = await daemon.privateKey();
    const path = `${daemon.dir}/keys`;
    const exported = await runCommand(
      ...["keys", "export", `-socket=${daemon.socket}`],
    );
    assertEquals(exported.code, 0, exported.stderr);
    await Deno.writeTextFile(path, exported.stdout);
    const status = `${daemon.dir}/status.json`;
    await Deno.writeTextFile(status, await daemon.cli("status", "--json"));
    await daemon.kill();
    for (const list of [path, status]) {
      await using relay = await RelayProgram.start([
        `-verify-keys-file=${list}`,
      ]);
      for (const key of [self, member]) (await relay.admits(key)).close();
      using _client = await relay.admits(member);
      const { AdmittedBy, Node } = await relay.traffic(member);
      assertStringIncludes(String(AdmittedBy), list);
      assertStringIncludes(String(Node), "laptop");
      await relay.refuses(NodePrivate.generate());
    }
  });
}
