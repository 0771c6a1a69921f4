/** Perturbed payloads into the decoders of whole frames. */
import { looksLikeDisco } from "../../src/derp/disco.ts";
import { ProtocolError } from "../../src/derp/errors.ts";
import { FRAME_HEADER_BYTES } from "../../src/derp/frame.ts";
import {
  decodePeerPresent,
  decodeServerKey,
  encodePeerPresent,
  encodeServerKey,
} from "../../src/derp/messages.ts";
import { NodePublic } from "../../src/keys/node_key.ts";
import { toHex } from "../../src/util/bytes.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { fuzz } from "../support/fuzz.ts";
import { discoPacket } from "../support/packets.ts";

fuzz("peer_present", (random) => {
  const valid = encodePeerPresent({
    key: NodePublic.fromBytes(random.bytes(32)),
    ip: random.pick(["", "192.0.2.1", "2001:db8::1", "::"]),
    port: random.below(65_536),
    flags: random.below(256),
  }).subarray(FRAME_HEADER_BYTES);
  const payload = random.perturb(valid);
  if (payload.length < 32) return; // the reader lets none of these through
  const peer = decodePeerPresent(payload);
  assertEquals(peer.key.hex(), toHex(payload.subarray(0, 32)));
  assert(peer.port >= 0 && peer.port < 65_536 && peer.flags < 256);
  if (payload.length < 51) return;
  const again = encodePeerPresent(peer).subarray(FRAME_HEADER_BYTES);
  assertEquals(toHex(again), toHex(payload.subarray(0, 51)));
});

fuzz("server_key", (random) => {
  const key = NodePublic.fromBytes(random.bytes(32));
  const payload = random.perturb(
    encodeServerKey(key).subarray(FRAME_HEADER_BYTES),
  );
  if (payload.length < 40) return; // the reader lets none of these through
  try {
    const { bytes } = decodeServerKey(payload);
    assertEquals(toHex(bytes), toHex(payload.subarray(8, 40)));
  } catch (error) {
    assert(error instanceof ProtocolError);
    assert(!toHex(payload).startsWith("44455250f09f9491"));
  }
});

fuzz("disco", (random) => {
  const packet = random.perturb(discoPacket(55 + random.below(20)));
  const start = random.oneIn(3) ? random.below(4) : 0;
  const expected = packet.length - start >= 62 &&
    toHex(packet.subarray(start)).startsWith("5453f09f92ac");
  assertEquals(looksLikeDisco(packet, start, packet.length), expected);
});
