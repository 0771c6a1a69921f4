/** Clients that break the protocol: their connection ends, with one line a minute, and nothing else happens. */
import { FrameType } from "../../../src/derp/frame.ts";
import { encodeFrame } from "../../../src/derp/messages.ts";
import { writeAll } from "../../../src/net/conn.ts";
import { concatBytes } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { clientHello } from "../../support/client_hello.ts";
import { settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

/** A frame's header with any length, without its payload. */
function header(type: number, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = type;
  new DataView(bytes.buffer).setUint32(1, payloadBytes);
  return bytes;
}

/** Headers that no client may send, by what the log says of them. */
const OUT_OF_BOUNDS: [string, Uint8Array][] = [
  ["SendPacket frame of 31 bytes", header(FrameType.SendPacket, 31)],
  ["SendPacket frame of 65569 bytes", header(FrameType.SendPacket, 65_569)],
  [
    "SendPacket frame of 4294967295 bytes",
    header(FrameType.SendPacket, 0xffffffff),
  ],
  ["NotePreferred frame of 0 bytes", header(FrameType.NotePreferred, 0)],
  ["NotePreferred frame of 2 bytes", header(FrameType.NotePreferred, 2)],
  ["Ping frame of 7 bytes", header(FrameType.Ping, 7)],
  ["Ping frame of 1001 bytes", header(FrameType.Ping, 1001)],
  ["WatchConns frame of 1 bytes", header(FrameType.WatchConns, 1)],
  ["ClosePeer frame of 31 bytes", header(FrameType.ClosePeer, 31)],
  ["ForwardPacket frame of 63 bytes", header(FrameType.ForwardPacket, 63)],
];

for (const [text, bytes] of OUT_OF_BOUNDS) {
  Deno.test(`Relay ends a connection with a ${text}, and no other`, async () => {
    await using log = await CapturedLog.start();
    await using relay = new TestRelay();
    using bystander = await relay.connect();
    using client = await relay.connect({
      pair: { clientAddress: { ip: "203.0.113.5", port: 1 } },
    });
    await client.write(bytes);
    assertEquals(await client.expectEnd(), []);
    assertEquals(log.lines.length, 1);
    assertMatch(
      log.lines[0]!,
      /\[info\] relay: ended a connection from 203\.0\.113\.5: /,
    );
    assert(log.lines[0]!.includes(text), log.lines[0]);
    await bystander.sendPacket(bystander.publicKey, packetOf(3));
    assertEquals((await bystander.expectPacket()).packet, packetOf(3));
    assertEquals(relay.metric("derp_gauge_current_connections"), 1);
  });
}

Deno.test("Relay handles the frames before one that is out of bounds", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  using b = await relay.connect();
  await a.write(concatBytes(
    encodeFrame(FrameType.SendPacket, b.publicKey.bytes, packetOf(9)),
    header(FrameType.Ping, 1),
    encodeFrame(FrameType.SendPacket, b.publicKey.bytes, packetOf(10)),
  ));
  assertEquals((await b.expectPacket()).packet, packetOf(9));
  assertEquals((await b.nextFrame()).type, FrameType.PeerGone);
  await b.expectNone();
  assertEquals(await a.expectEnd(), []);
});

Deno.test("Relay logs each kind of breach once a minute, with how many it left out", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay();
  const breach = async (bytes: Uint8Array) => {
    using client = await relay.connect();
    await client.write(bytes);
    await client.expectEnd();
  };
  for (let i = 0; i < 5; i++) await breach(header(FrameType.Ping, 1));
  await breach(header(FrameType.ClosePeer, 1)); // the same kind
  await breach(encodeFrame(FrameType.WatchConns)); // another one
  await breach(encodeFrame(FrameType.WatchConns));
  assertEquals(log.lines.length, 2);
  await relay.clock.advance(60_000);
  assertEquals(log.lines.length, 4);
  assertMatch(log.lines[2]!, / \(the last of 5 in a minute\)$/);
  assertMatch(log.lines[3]!, / \(in the last minute\)$/);
});

Deno.test("Relay logs handshakes that break the protocol once a minute and kind", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay();
  const hellos = [
    header(FrameType.SendPacket, 40),
    clientHello(testKey(2)).with(70, 1).with(71, 2),
    clientHello(testKey(2), "[]"),
    header(FrameType.ClientInfo, 3),
  ];
  for (let i = 0; i < 3; i++) {
    for (const hello of hellos) {
      const { client, server, done } = relay.accept();
      await writeAll(client, hello);
      await done;
      assert(server.closed);
    }
    const late = relay.accept();
    await relay.clock.advance(10_000);
    await late.done;
  }
  assertEquals(
    log.matching("first frame is SendPacket, not ClientInfo").length,
    1,
  );
  assertEquals(log.matching("does not open with key [zo060]").length, 1);
  assertEquals(log.matching("ClientInfo frame of 3 bytes").length, 1);
  assertEquals(log.matching("No ClientInfo within 10 s").length, 1);
  assertEquals(log.lines.length, 4);
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
  assertEquals(relay.metric("derp_accepts"), 15);
});

Deno.test("Relay says nothing of clients that leave, at whatever point", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay();
  const early = relay.accept();
  early.client.close();
  await early.done;
  const reset = relay.accept();
  await settle();
  reset.client.reset();
  await reset.done;
  using polite = await relay.connect();
  polite.close();
  using partial = await relay.connect();
  await partial.write(header(FrameType.SendPacket, 1000));
  partial.close();
  const admitted = relay.accept();
  await writeAll(admitted.client, clientHello(testKey(2)));
  await settle();
  admitted.client.reset();
  await settle();
  assertEquals(log.lines, []);
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
});

Deno.test("Relay logs an error that no client can be the cause of", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay();
  await relay.acceptConn({
    remote: { ip: "203.0.113.5", port: 1 },
    read: () => Promise.reject(new TypeError("a fault of ours")),
    write: (data) => Promise.resolve(data.length),
    close() {},
  });
  assertEquals(log.lines.length, 1);
  assert(log.lines[0]!.endsWith("from 203.0.113.5: a fault of ours"));
});

/** Mesh frames, by what they would do. */
const PRIVILEGED: [string, (relay: TestRelay) => Uint8Array][] = [
  ["WatchConns", () => encodeFrame(FrameType.WatchConns)],
  [
    "ClosePeer",
    () => encodeFrame(FrameType.ClosePeer, testKey(7).publicKey.bytes),
  ],
  ["ForwardPacket", () =>
    encodeFrame(
      FrameType.ForwardPacket,
      testKey(8).publicKey.bytes,
      testKey(7).publicKey.bytes,
      packetOf(10),
    )],
];

for (const [name, frame] of PRIVILEGED) {
  for (const relayHasKey of [true, false]) {
    const title = `Relay ${relayHasKey ? "with" : "without"} a mesh key`;
    Deno.test(`${title} ends a connection with ${name} from a client that lacks it, and does nothing`, async () => {
      await using log = await CapturedLog.start();
      await using relay = new TestRelay(
        relayHasKey ? { meshKey: testMeshKey(1) } : {},
      );
      using victim = await relay.connect({ key: testKey(7) });
      using client = await relay.connect({ meshKey: testMeshKey(2) });
      await client.write(frame(relay));
      assertEquals(await client.expectEnd(), []);
      await victim.expectNone();
      assertEquals(log.lines.length, 1);
      assert(
        log.lines[0]!.endsWith(
          `${name} frame from a client without the mesh key`,
        ),
      );
      assertEquals(relay.metric("derp_gauge_watchers"), 0);
      assertEquals(relay.metric("derp_packets_forwarded_in"), 0);
    });
  }
}

Deno.test("Relay takes a client with a wrong mesh key for one like any other", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay({ meshKey: testMeshKey(1) });
  using a = await relay.connect({ meshKey: testMeshKey(2) });
  await a.sendPacket(a.publicKey, packetOf(3));
  assertEquals((await a.expectPacket()).packet, packetOf(3));
  assertEquals(log.lines, []);
});

Deno.test("Relay skips unknown frames, also large ones over many reads, and counts them", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect({ pair: { maxReadBytes: 1000 } });
  for (
    const [type, bytes] of [[0x0b, 0], [0x99, 10], [0xff, 300_000]] as const
  ) {
    await a.write(header(type, bytes));
    await a.write(packetOf(bytes));
  }
  // Frames that only a relay sends are unknown in this direction.
  await a.send(FrameType.RecvPacket, packetOf(40));
  await a.send(FrameType.ClientInfo, packetOf(100));
  await a.sendPacket(a.publicKey, packetOf(5));
  assertEquals((await a.expectPacket()).packet, packetOf(5));
  assertEquals(relay.metric("derp_unknown_frames"), 5);
});

Deno.test("Relay waits for the rest of a frame for as long as it takes", async () => {
  await using relay = new TestRelay();
  using a = await relay.connect();
  const frame = encodeFrame(
    FrameType.SendPacket,
    a.publicKey.bytes,
    packetOf(3000),
  );
  await a.write(frame.subarray(0, 100));
  await relay.clock.advance(59_000);
  await a.write(frame.subarray(100));
  assertEquals((await a.expectPacket()).packet, packetOf(3000));
});
