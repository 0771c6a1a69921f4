/** Packets as clients send them. */
import { readUint16, writeUint16 } from "../../src/util/bytes.ts";

/** A packet whose bytes follow from its length and `seed`, and which isn't a disco packet. */
export function packetOf(bytes: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => i * 7 + bytes + seed);
}

/** A packet that begins as a disco packet does; one if it has 62 bytes or more. */
export function discoPacket(bytes: number, seed = 0): Uint8Array {
  const packet = packetOf(bytes, seed);
  packet.set([0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac]);
  return packet;
}

/** A packet that says which one it is, of 2 bytes or more. */
export function numberedPacket(n: number, bytes: number): Uint8Array {
  const packet = new Uint8Array(bytes).fill(n * 31);
  writeUint16(packet, n, 0);
  return packet;
}

/** The number of such a packet. */
export function packetNumber(packet: Uint8Array): number {
  return readUint16(packet, 0);
}
