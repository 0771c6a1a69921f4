/** The keys that identify nodes and relays: WireGuard's X25519 key pairs. */
import { equalBytes, fromHex, toHex } from "../util/bytes.ts";
import { BoxKey, KEY_BYTES, type SharedBox } from "./nacl_box.ts";

export { KEY_BYTES };

const PUBLIC_PREFIX = "nodekey:";
const PRIVATE_PREFIX = "privkey:";

/** A node's public key, its address on the relay. */
export class NodePublic {
  readonly bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Copies the 32 bytes at `offset`. */
  static fromBytes(from: Uint8Array, offset = 0): NodePublic {
    return new NodePublic(from.slice(offset, offset + KEY_BYTES));
  }

  /** Parses `nodekey:` and 64 hexadecimal digits; undefined where `text` isn't that. */
  static parse(text: string): NodePublic | undefined {
    if (!text.startsWith(PUBLIC_PREFIX)) return undefined;
    const bytes = fromHex(text.slice(PUBLIC_PREFIX.length), KEY_BYTES);
    return bytes && new NodePublic(bytes);
  }

  equals(other: NodePublic): boolean {
    return equalBytes(this.bytes, other.bytes);
  }

  /** 64 hexadecimal digits without prefix. */
  hex(): string {
    return toHex(this.bytes);
  }

  /** `nodekey:` and 64 hexadecimal digits. */
  toString(): string {
    return PUBLIC_PREFIX + this.hex();
  }

  /** `[` first five base64 characters `]`, as Tailscale writes keys in logs. */
  shortString(): string {
    return `[${
      btoa(String.fromCharCode(...this.bytes.subarray(0, 6))).slice(0, 5)
    }]`;
  }
}

/** A private key; it prints as a placeholder, never as itself. */
export class NodePrivate {
  readonly #raw: Uint8Array;
  readonly #box: BoxKey;
  readonly publicKey: NodePublic;

  private constructor(raw: Uint8Array) {
    this.#raw = raw;
    this.#box = new BoxKey(raw);
    this.publicKey = NodePublic.fromBytes(this.#box.publicKey);
  }

  static generate(): NodePrivate {
    return new NodePrivate(BoxKey.generate());
  }

  /** Parses `privkey:` and 64 hexadecimal digits; undefined where `text` isn't that or is all zero. */
  static parse(text: string): NodePrivate | undefined {
    if (!text.startsWith(PRIVATE_PREFIX)) return undefined;
    const raw = fromHex(text.slice(PRIVATE_PREFIX.length), KEY_BYTES);
    if (raw === undefined || raw.every((byte) => byte === 0)) return undefined;
    return new NodePrivate(raw);
  }

  /** Seals a message that only `to` can open. */
  sealTo(to: NodePublic, message: Uint8Array): Uint8Array {
    return this.#box.seal(to.bytes, message);
  }

  /** Opens what `from` sealed for this key; undefined where it isn't authentic. */
  openFrom(from: NodePublic, box: Uint8Array): Uint8Array | undefined {
    return this.#box.open(from.bytes, box);
  }

  /** For several messages with one peer; undefined where its key is of low order. */
  boxWith(peer: NodePublic): SharedBox | undefined {
    return this.#box.boxWith(peer.bytes);
  }

  /** `privkey:` and 64 hexadecimal digits, for the key file and nothing else. */
  reveal(): string {
    return PRIVATE_PREFIX + toHex(this.#raw);
  }

  toString(): string {
    return "[private key]";
  }

  toJSON(): string {
    return this.toString();
  }
}
