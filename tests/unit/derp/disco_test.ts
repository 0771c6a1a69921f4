/** Disco packets and what only looks like one. */
import { looksLikeDisco } from "../../../src/derp/disco.ts";
import { fromHex } from "../../../src/util/bytes.ts";
import { assert } from "../../support/assert.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";

function looks(packet: Uint8Array): boolean {
  return looksLikeDisco(packet, 0, packet.length);
}

Deno.test("looksLikeDisco() knows the pinned magic bytes", () => {
  assert(looks(fromHex("5453f09f92ac" + "00".repeat(56), 62)!));
  assert(looks(new TextEncoder().encode("TS💬" + "x".repeat(56))));
});

Deno.test("looksLikeDisco() wants magic, key and nonce: 62 bytes", () => {
  for (const bytes of [62, 63, 1400]) assert(looks(discoPacket(bytes)));
  for (const bytes of [6, 30, 61]) assert(!looks(discoPacket(bytes)));
  assert(!looks(new Uint8Array()));
});

Deno.test("looksLikeDisco() is false for a magic with any one bit changed", () => {
  for (let bit = 0; bit < 48; bit++) {
    const packet = discoPacket(62);
    packet[bit >> 3]! ^= 1 << (bit & 7);
    assert(!looks(packet), `bit ${bit}`);
  }
  assert(!looks(packetOf(62)));
});

Deno.test("looksLikeDisco() looks at start and end alone, not at the buffer around", () => {
  const buffer = new Uint8Array(300);
  buffer.set(discoPacket(100), 50);
  assert(looksLikeDisco(buffer, 50, 150));
  assert(looksLikeDisco(buffer, 50, 112));
  assert(!looksLikeDisco(buffer, 50, 111));
  assert(!looksLikeDisco(buffer, 49, 150));
  assert(!looksLikeDisco(buffer, 51, 150));
  assert(!looksLikeDisco(buffer, 150, 50));
});
