/** Which clients a partial rollout reaches: derper's choice, so that every relay chooses the same. */
import { isLoopback, parseIp } from "../util/ip.ts";

// PCG-DXSM as Go's math/rand/v2 has it: a 128-bit linear congruential generator, and how its state is scrambled.
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const INCREMENT = 0x5851f42d4c957f2d14057b7ef767814fn;
const CHEAP_MULTIPLIER = 0xda942042e4dd58b5n;

/** Whether the client at `ip` is among the `share` (0 to 1) that a rollout reaches; `random` decides for loopback. */
export function isReached(
  ip: string,
  share: number,
  random: () => number,
): boolean {
  if (share <= 0) return false;
  if (share >= 1) return true;
  const bytes = parseIp(ip);
  if (bytes === undefined) return false;
  if (isLoopback(ip)) return random() < 0.5; // derper's way to try it out
  return share > fraction(bytes);
}

/** A number from 0 to 1 that depends on the 16 bytes alone: the first of a generator seeded with them. */
function fraction(ip: Uint8Array): number {
  const seed = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  const isLittleEndian = true;
  const state = seed.getBigUint64(0, isLittleEndian) << 64n |
    seed.getBigUint64(8, isLittleEndian);
  const next = BigInt.asUintN(128, state * MULTIPLIER + INCREMENT);
  const low = next & 0xffffffffffffffffn | 1n;
  let high = next >> 64n;
  high ^= high >> 32n;
  high = BigInt.asUintN(64, high * CHEAP_MULTIPLIER);
  high ^= high >> 48n;
  high = BigInt.asUintN(64, high * low);
  return Number(BigInt.asUintN(53, high)) / 2 ** 53;
}
