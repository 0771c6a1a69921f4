/** The secret that relays of one mesh share. */
import { equalConstantTime, fromHex, toHex } from "../util/bytes.ts";

const MESH_KEY_BYTES = 32;

/** A mesh key; it prints as a placeholder, never as itself. */
export class MeshKey {
  readonly #raw: Uint8Array;

  private constructor(raw: Uint8Array) {
    this.#raw = raw;
  }

  /** Parses 64 hexadecimal digits; undefined where `text` isn't that or is all zero (Go's "no key"). */
  static parse(text: string): MeshKey | undefined {
    const raw = fromHex(text, MESH_KEY_BYTES);
    return raw === undefined || raw.every((byte) => byte === 0)
      ? undefined
      : new MeshKey(raw);
  }

  /** Equality in constant time. */
  equals(other: MeshKey): boolean {
    return equalConstantTime(this.#raw, other.#raw);
  }

  /** 64 hexadecimal digits, for the sealed ClientInfo and nothing else. */
  reveal(): string {
    return toHex(this.#raw);
  }

  toString(): string {
    return "[mesh key]";
  }

  toJSON(): string {
    return this.toString();
  }
}
