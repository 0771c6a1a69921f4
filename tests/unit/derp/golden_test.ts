/** Our encoders and decoders against the frames of the Go derper and its client. */
import {
  decodeClientInfo,
  encodeServerInfo,
} from "../../../src/derp/client_info.ts";
import { CLIENT_LIMITS, HELLO_LIMITS } from "../../../src/derp/frame.ts";
import { FRAME_HEADER_BYTES, PeerGoneReason } from "../../../src/derp/frame.ts";
import { FrameReader } from "../../../src/derp/frame_reader.ts";
import {
  decodePeerPresent,
  decodeServerKey,
  encodePeerGone,
  encodePeerPresent,
  encodePong,
  encodeServerKey,
  KEEP_ALIVE,
} from "../../../src/derp/messages.ts";
import { MeshKey } from "../../../src/keys/mesh_key.ts";
import { NodePublic } from "../../../src/keys/node_key.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { GoldenFrames } from "../../support/golden_frames.ts";
import { testKey } from "../../support/test_keys.ts";

const golden = await GoldenFrames.read();
const SERVER = testKey(1);
const A = testKey(2);
const B = testKey(3);
const W = testKey(4);

function payload(name: string): Uint8Array {
  return golden.bytes(name).subarray(FRAME_HEADER_BYTES);
}

Deno.test("golden: keys have the public halves and short forms that Go gives them", () => {
  assertEquals(SERVER.publicKey.hex(), golden.hex("key.server"));
  for (const [key, name] of [[A, "key.a"], [B, "key.b"]] as const) {
    const { publicKey } = key;
    assertEquals(
      `${publicKey.hex()} ${publicKey.shortString()}`,
      golden.text(name),
    );
  }
});

Deno.test("golden: frames that are no boxes are encoded byte for byte", () => {
  const nobody = NodePublic.fromBytes(new Uint8Array(32).fill(0xaa));
  const ours: Record<string, Uint8Array> = {
    ServerKey: encodeServerKey(SERVER.publicKey),
    Pong: encodePong(new TextEncoder().encode("12345678ignored")),
    KeepAlive: KEEP_ALIVE,
    "PeerGone.notHere": encodePeerGone(nobody, PeerGoneReason.NotHere),
    "PeerGone.disconnected": encodePeerGone(
      B.publicKey,
      PeerGoneReason.Disconnected,
    ),
    "PeerPresent.a": encodePeerPresent({
      key: A.publicKey,
      ip: "192.0.2.1",
      port: 1234,
      flags: 1,
    }),
    "PeerPresent.w": encodePeerPresent({
      key: W.publicKey,
      ip: "192.0.2.9",
      port: 9,
      flags: 2 + 4,
    }),
    "PeerPresent.b": encodePeerPresent({
      key: B.publicKey,
      ip: "2001:db8::7",
      port: 65_535,
      flags: 1,
    }),
  };
  for (const [name, frame] of Object.entries(ours)) {
    assertEquals(toHex(frame), golden.hex(name), name);
  }
});

Deno.test("golden: Go's boxes open with our keys and hold what was put in", () => {
  for (const [name, key] of [["a", A], ["b", B], ["w", W]] as const) {
    const hello = payload(`ClientInfo.${name}`);
    assert(NodePublic.fromBytes(hello).equals(key.publicKey));
    const json = SERVER.openFrom(key.publicKey, hello.subarray(32));
    assert(json !== undefined, name);
    const { meshKey, ...info } = decodeClientInfo(json);
    assertEquals(info, {
      version: 2,
      canAckPings: name === "a",
      isProber: name === "w",
    });
    const expected = name === "w"
      ? MeshKey.parse("0123456789abcdef".repeat(4))
      : undefined;
    assertEquals(meshKey?.reveal(), expected?.reveal());
  }
});

Deno.test("golden: Go's ServerInfo says what ours says", () => {
  for (const [name, key] of [["a", A], ["b", B], ["w", W]] as const) {
    const box = payload(`ServerInfo.${name}`);
    assertEquals(key.openFrom(SERVER.publicKey, box), encodeServerInfo());
  }
});

Deno.test("golden: decoders read Go's ServerKey and PeerPresent", () => {
  assert(decodeServerKey(payload("ServerKey")).equals(SERVER.publicKey));
  const { key, ...rest } = decodePeerPresent(payload("PeerPresent.b"));
  assert(key.equals(B.publicKey));
  assertEquals(rest, { ip: "2001:db8:0:0:0:0:0:7", port: 65_535, flags: 1 });
});

Deno.test("golden: FrameReader takes Go's ClientInfo, a byte at a time", () => {
  const frame = golden.bytes("ClientInfo.w");
  const reader = new FrameReader(HELLO_LIMITS, new Uint8Array());
  for (const [i, byte] of frame.entries()) {
    reader.space()[0] = byte;
    reader.filled(1);
    assertEquals(reader.next(), i === frame.length - 1);
  }
  assertEquals(toHex(reader.payload()), toHex(payload("ClientInfo.w")));
  reader.setLimits(CLIENT_LIMITS);
  assert(!reader.next());
});
