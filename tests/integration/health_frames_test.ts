/** What clients of a whole relay are told: that its certificate expires, and that it stops. */
import { makeSelfSigned } from "../../src/certs/self_signed.ts";
import { FrameType } from "../../src/derp/frame.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { RunningDerper } from "../support/running_derper.ts";
import type { Frame, TestClient } from "../support/test_client.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const STOPPING = "the relay is about to stop or restart";

function text({ type, payload }: Frame): string {
  assertEquals(type, FrameType.Health);
  return new TextDecoder().decode(payload);
}

Deno.test("Derper tells its clients that it stops, and when to come back, before it closes them", async () => {
  const clients: TestClient[] = [];
  {
    await using relay = await RunningDerper.start();
    for (let i = 0; i < 20; i++) clients.push(await relay.client());
  }
  for (const client of clients) {
    const [health, restarting, ...rest] = await client.expectEnd();
    assertEquals([text(health!), rest], [STOPPING, []]);
    assertEquals(restarting!.type, FrameType.Restarting);
    assertEquals(restarting!.payload.length, 8);
    client.close();
  }
});

Deno.test("Derper stops in spite of a client that doesn't read", async () => {
  const relay = await RunningDerper.start();
  using sender = await relay.client();
  using stuck = await relay.client();
  const packet = new Uint8Array(65_536);
  for (let i = 0; i < 200; i++) {
    await sender.sendPacket(stuck.publicKey, packet);
  }
  await relay[Symbol.asyncDispose]();
  const types = (await sender.expectEnd()).map(({ type }) => type);
  assertEquals(types, [FrameType.Health, FrameType.Restarting]);
  await stuck.expectEnd(); // ends the relay's write, which older runtimes leave open
});

Deno.test("Derper tells clients that its certificate expires soon, those that are there and those that come", async () => {
  await using relay = await RunningDerper.start();
  using there = await relay.client();
  const made = new Date(Date.now() + 3 * DAY_MS);
  made.setUTCFullYear(made.getUTCFullYear() - 10); // it is valid for ten years
  const { certPem, keyPem } = makeSelfSigned("127.0.0.1", made);
  await Deno.writeTextFile(`${relay.dir}/127.0.0.1.key`, keyPem);
  await Deno.writeTextFile(`${relay.dir}/127.0.0.1.crt`, certPem);
  await relay.derper.reload();
  const told = text(await there.nextFrame());
  assertMatch(told, /^its certificate expires on 20\d\d-\d\d-\d\d$/);
  using comes = await connect(relay, certPem);
  assertEquals(text(await comes.nextFrame()), told);
  assert(relay.derper.health.isHealthy);
});

/** Once the new certificate is served. */
async function connect(
  relay: RunningDerper,
  certificate: string,
): Promise<TestClient> {
  const trusting = Object.assign(Object.create(relay) as RunningDerper, {
    certificate,
  });
  return await trusting.client();
}
