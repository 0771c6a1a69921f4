/** Access that ends while a client is connected. */
import { FrameType } from "../../src/derp/frame.ts";
import { assertEquals } from "../support/assert.ts";
import { RelayProgram } from "../support/relay_program.ts";
import type { TestClient } from "../support/test_client.ts";
import { NEWEST, OLDEST } from "../support/tailscale_programs.ts";
import { Tailnet, Tailscaled } from "../support/tailnet.ts";

const PING = new TextEncoder().encode("pingpong");

for (const version of [OLDEST, NEWEST]) {
  Deno.test(`relay with -reverify-interval ends the connection of a deleted node, and none while tailscaled ${version} is down or starts`, async () => {
    await using tailnet = await Tailnet.start();
    await using daemon = await Tailscaled.join(tailnet, { version });
    const stays = await tailnet.add(daemon, "stays");
    const goes = await tailnet.add(daemon, "goes");
    await using relay = await RelayProgram.start([
      "-verify-clients",
      `-socket=${daemon.socket}`,
      "-reverify-interval=1s",
    ]);
    using first = await relay.admits(stays);
    using second = await relay.admits(goes);

    await daemon.kill();
    const mark = relay.child.mark;
    await relay.tells("down", daemon.socket, mark);
    await Promise.all([isServed(first), isServed(second)]);
    await daemon.start();
    await relay.tells("back", daemon.socket, mark);
    await Promise.all([isServed(first), isServed(second)]);

    await tailnet.remove(daemon, goes.publicKey);
    await second.expectEnd();
    await isServed(first);
    await relay.refuses(goes);
  });
}

Deno.test("relay with -reverify-interval keeps its connections when its tailscaled is logged out", async () => {
  await using tailnet = await Tailnet.start();
  await using daemon = await Tailscaled.join(tailnet);
  const member = await tailnet.add(daemon, "laptop");
  await using relay = await RelayProgram.start([
    "-verify-clients",
    `-socket=${daemon.socket}`,
    "-reverify-interval=1s",
  ]);
  using client = await relay.admits(member);
  const mark = relay.child.mark;
  await daemon.cli("logout");
  await relay.tells("down", daemon.socket, mark);
  await isServed(client);
  await relay.refuses(member);
});

/** The relay still answers; other frames may come before. */
async function isServed(client: TestClient): Promise<void> {
  await client.send(FrameType.Ping, PING);
  for (;;) {
    const { type, payload } = await client.nextFrame();
    if (type !== FrameType.Pong) continue;
    assertEquals(payload, PING);
    return;
  }
}
