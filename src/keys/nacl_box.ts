/**
 * NaCl's public-key box (crypto_box_curve25519xsalsa20poly1305): X25519 by the
 * runtime, HSalsa20 and XSalsa20-Poly1305 by @noble/ciphers.
 */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { Buffer } from "node:buffer";
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { concatBytes } from "../util/bytes.ts";

/** A box is its 24-byte nonce, the 16-byte tag, and as many bytes as the message has. */
export const NONCE_BYTES = 24;
export const KEY_BYTES = 32;

/** DER of an X25519 key up to the raw key itself (RFC 8410, section 7 and 10.1). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

/** "expand 32-byte k", the constant of Salsa20 and HSalsa20, as little-endian words. */
const SIGMA = new Uint32Array([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);

/** An X25519 private key, ready for use. */
export class BoxKey {
  readonly #key: KeyObject;
  readonly publicKey: Uint8Array;

  constructor(privateKey: Uint8Array) {
    this.#key = createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, privateKey]),
      format: "der",
      type: "pkcs8",
    });
    const spki = createPublicKey(this.#key).export({
      format: "der",
      type: "spki",
    });
    this.publicKey = new Uint8Array(spki.subarray(SPKI_PREFIX.length));
  }

  /** A fresh private key of 32 bytes. */
  static generate(): Uint8Array {
    const { privateKey } = generateKeyPairSync("x25519");
    const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
    return new Uint8Array(pkcs8.subarray(PKCS8_PREFIX.length));
  }

  /** Seals `message` for `to`: 24-byte random nonce, then the box. */
  seal(to: Uint8Array, message: Uint8Array): Uint8Array {
    const box = this.boxWith(to);
    if (box !== undefined) return box.seal(message);
    throw new RangeError(
      "Cannot seal a box: the public key is of low order",
    );
  }

  /** Opens what `from` has sealed for this key, or returns undefined where it isn't authentic. */
  open(from: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    return this.boxWith(from)?.open(sealed);
  }

  /** Agrees on a key with `peer` once, for any number of boxes; undefined for a public key of low order. */
  boxWith(peer: Uint8Array): SharedBox | undefined {
    const key = this.#sharedKey(peer);
    return key && new SharedBox(key);
  }

  /** The symmetric key both sides derive, or undefined for a public key of low order. */
  #sharedKey(peer: Uint8Array): Uint8Array | undefined {
    const publicKey = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, peer]),
      format: "der",
      type: "spki",
    });
    let secret: Buffer;
    try {
      secret = diffieHellman({ privateKey: this.#key, publicKey });
    } catch {
      return undefined; // Deno 2.9 refuses an all-zero result (RFC 7748, section 6.1)
    }
    if (secret.every((byte) => byte === 0)) return undefined; // 2.6 doesn't
    const key = new Uint32Array(8);
    hsalsa(SIGMA, words(secret), new Uint32Array(4), key);
    return new Uint8Array(key.buffer);
  }
}

/** Seals and opens boxes between two keys; X25519 costs far more than the boxes. */
export class SharedBox {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** 24-byte random nonce, then the box. */
  seal(message: Uint8Array): Uint8Array {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    return concatBytes(
      nonce,
      xsalsa20poly1305(this.#key, nonce).encrypt(message),
    );
  }

  /** What is in the box, or undefined where it isn't authentic. */
  open(sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < NONCE_BYTES) return undefined;
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const cipher = xsalsa20poly1305(this.#key, nonce);
    try {
      return cipher.decrypt(sealed.subarray(NONCE_BYTES));
    } catch {
      return undefined; // the tag is wrong; the cipher has no other way to say so
    }
  }
}

/** A copy of `bytes` as 32-bit words, aligned. */
function words(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
