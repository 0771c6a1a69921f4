/** Perturbed conversations with a relay, and with the client's side of one. */
import { FrameType } from "../../src/derp/frame.ts";
import { encodeFrame, encodeServerKey } from "../../src/derp/messages.ts";
import { ProtocolError } from "../../src/derp/errors.ts";
import { introduce, upgradeToDerp } from "../../src/mesh/derp_client.ts";
import { ConnectionLostError, writeAll } from "../../src/net/conn.ts";
import { concatBytes } from "../../src/util/bytes.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { clientHello } from "../support/client_hello.ts";
import { connPair } from "../support/conn_pair.ts";
import { settle } from "../support/fake_clock.ts";
import { fuzz } from "../support/fuzz.ts";
import { SWITCHING } from "../support/http_head.ts";
import { discoPacket, packetOf } from "../support/packets.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { TestRelay } from "../support/test_relay.ts";
import { testKey, testMeshKey } from "../support/test_keys.ts";

const MESH_HEX = "01".repeat(32);
const VICTIM = testKey(9);

/** Everything a client may say, in any order, at times as a mesh peer. */
function makeConversation(random: SeededRandom): Uint8Array {
  const json = random.oneIn(3)
    ? `{"version":2,"meshKey":"${MESH_HEX}"}`
    : '{"version":2}';
  const hello = clientHello(testKey(1 + random.below(5)), json);
  const { bytes } = VICTIM.publicKey;
  const frames = [
    encodeFrame(FrameType.SendPacket, bytes, packetOf(random.below(3000))),
    encodeFrame(FrameType.SendPacket, random.bytes(32), discoPacket(100)),
    encodeFrame(FrameType.ForwardPacket, random.bytes(32), bytes, packetOf(9)),
    encodeFrame(FrameType.NotePreferred, Uint8Array.of(random.below(2))),
    encodeFrame(FrameType.WatchConns),
    encodeFrame(FrameType.Ping, random.bytes(8 + random.below(20))),
    encodeFrame(0x42 as FrameType, random.bytes(random.below(100))),
  ];
  const said = [random.oneIn(4) ? random.perturb(hello) : hello];
  for (let i = random.below(15); i > 0; i--) {
    const frame = random.pick(frames);
    said.push(random.oneIn(6) ? random.perturb(frame) : frame);
  }
  return concatBytes(...said);
}

fuzz("relay", async (random) => {
  await using relay = new TestRelay({ meshKey: testMeshKey(1) });
  using victim = await relay.connect({ key: VICTIM });
  const conversation = makeConversation(random);
  const inRequest = random.oneIn(2) ? random.below(conversation.length) : 0;
  const { client, done } = relay.accept({
    maxReadBytes: 1 + random.below(random.pick([10, 2000, 70_000])),
    maxWriteBytes: 1 + random.below(random.pick([10, 2000, 70_000])),
    bufferBytes: random.pick([100, 65_536]),
  }, { rest: conversation.slice(0, inRequest) });
  const writing = writeAll(client, conversation.subarray(inRequest))
    .catch((error) => assert(error instanceof Deno.errors.BrokenPipe));
  const reading = random.oneIn(2)
    ? client.readToEnd().catch(() => {})
    : undefined;
  await settle();
  if (random.oneIn(3)) await relay.clock.advance(random.below(70_000));
  // The other client is served as if nothing were.
  await victim.drain();
  await victim.sendPacket(VICTIM.publicKey, packetOf(33));
  const last = (await victim.drain()).at(-1);
  assertEquals(last?.payload.subarray(32), packetOf(33));
  if (random.oneIn(2)) client.close();
  else client.reset();
  await Promise.all([done, writing, reading]);
  await settle();
  assertEquals(relay.metric("derp_gauge_current_connections"), 1);
  assertEquals(relay.metric("derp_gauge_watchers"), 0);
  assertEquals(relay.metric("derp_gauge_clients_total"), 1);
});

fuzz("derp_client", async (random) => {
  const info = testKey(1).sealTo(
    testKey(2).publicKey,
    new TextEncoder().encode('{"version":2}'),
  );
  const parts = [
    SWITCHING,
    encodeServerKey(testKey(1).publicKey),
    encodeFrame(FrameType.ServerInfo, info),
  ].map((part) => random.oneIn(3) ? random.perturb(part) : part);
  const { client, server } = connPair({
    maxReadBytes: 1 + random.below(200),
  });
  await writeAll(server, concatBytes(...parts));
  server.closeWrite();
  const options = { host: "derp.test", key: testKey(2) };
  try {
    await introduce(client, await upgradeToDerp(client, options), options);
  } catch (error) {
    assert(
      error instanceof ProtocolError || error instanceof ConnectionLostError ||
        error instanceof RangeError, // a server key of low order
      String(error),
    );
  }
  client.close();
});
