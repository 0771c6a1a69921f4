/** Several real tailscaleds stand behind one relay. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { RelayProgram } from "../support/relay_program.ts";
import { Tailnet, Tailscaled } from "../support/tailnet.ts";

Deno.test("relay admits the nodes of two tailnets, says whose they are, and refuses a stranger", async () => {
  await using here = await Tailnet.start();
  await using there = await Tailnet.start();
  await using a = await Tailscaled.join(here);
  await using b = await Tailscaled.join(there);
  const nodes = [
    { name: "laptop", key: await here.add(a, "laptop"), socket: a.socket },
    { name: "phone", key: await there.add(b, "phone"), socket: b.socket },
  ];
  await using relay = await RelayProgram.start([
    "-verify-clients",
    ...["-socket", a.socket, "-socket", b.socket],
  ]);
  for (const { name, key, socket } of nodes) {
    using _client = await relay.admits(key);
    const admitted = await relay.admittedLine(key);
    assertStringIncludes(admitted, socket);
    const { AdmittedBy, Node } = await relay.traffic(key);
    assertStringIncludes(String(AdmittedBy), socket);
    assertEquals(Node, `${name}.tailnet.test`);
  }
  const stranger = NodePrivate.generate();
  const refusal = await relay.refuses(stranger);
  assertStringIncludes(refusal, `derper verify ${stranger.publicKey}`);
});

Deno.test("relay with -verify-policy all wants a node to be in every tailnet, any in one", async () => {
  await using here = await Tailnet.start();
  await using there = await Tailnet.start();
  await using a = await Tailscaled.join(here);
  await using b = await Tailscaled.join(there);
  const onlyHere = await here.add(a, "laptop");
  const onlyThere = await there.add(b, "phone");
  const inBoth = await here.add(a, "both");
  await there.add(b, "both", inBoth);
  const sockets = ["-verify-clients", `-socket=${a.socket},${b.socket}`];
  await using all = await RelayProgram.start([
    ...sockets,
    "-verify-policy=all",
  ]);
  (await all.admits(inBoth)).close();
  await all.refuses(onlyHere);
  await all.refuses(onlyThere);
  await using any = await RelayProgram.start([
    ...sockets,
    "-verify-policy=any",
  ]);
  for (const key of [inBoth, onlyHere, onlyThere]) {
    (await any.admits(key)).close();
  }
  await any.refuses(NodePrivate.generate());
});
