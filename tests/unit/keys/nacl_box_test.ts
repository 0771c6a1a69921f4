/** NaCl's box, against its published example and against what must not open. */
import { BoxKey, NONCE_BYTES, SharedBox } from "../../../src/keys/nacl_box.ts";
import { concatBytes, fromHex, toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";

/** The example of "Cryptography in NaCl", section 10, and of NaCl's tests/box.c. */
const VECTOR = {
  aliceSecret:
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
  alicePublic:
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  bobSecret: "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
  bobPublic: "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  nonce: "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37",
  message: "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc" +
    "e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31" +
    "0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde" +
    "048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864" +
    "5e0705",
  box: "f3ffc7703f9400e52a7dfb4b3d3305d9" +
    "8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a" +
    "c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738" +
    "b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da" +
    "99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74" +
    "e355a5",
};

/** Every public key whose shared secret is zero (RFC 7748, section 6.1; cr.yp.to/ecdh.html). */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000080",
];

function bytes(hex: string): Uint8Array {
  return fromHex(hex, hex.length / 2)!;
}

const ALICE = new BoxKey(bytes(VECTOR.aliceSecret));
const BOB = new BoxKey(bytes(VECTOR.bobSecret));
const SEALED = concatBytes(bytes(VECTOR.nonce), bytes(VECTOR.box));

Deno.test("BoxKey.publicKey is X25519's of the private key", () => {
  assertEquals(toHex(ALICE.publicKey), VECTOR.alicePublic);
  assertEquals(toHex(BOB.publicKey), VECTOR.bobPublic);
});

Deno.test("BoxKey.open() opens NaCl's published box, on either side", () => {
  const message = bytes(VECTOR.message);
  assertEquals(BOB.open(ALICE.publicKey, SEALED), message);
  assertEquals(ALICE.open(BOB.publicKey, SEALED), message);
});

Deno.test("BoxKey.open() opens what seal() seals, also nothing at all", () => {
  for (const length of [0, 1, 31, 32, 33, 64, 1000]) {
    const message = Uint8Array.from({ length }, (_, i) => i);
    const box = ALICE.seal(BOB.publicKey, message);
    assertEquals(box.length, NONCE_BYTES + 16 + length);
    assertEquals(BOB.open(ALICE.publicKey, box), message);
  }
});

Deno.test("BoxKey.seal() never uses a nonce twice", () => {
  const nonces = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const box = ALICE.seal(BOB.publicKey, new Uint8Array());
    nonces.add(toHex(box.subarray(0, NONCE_BYTES)));
  }
  assertEquals(nonces.size, 50);
});

Deno.test("BoxKey.open() refuses a box with any one bit changed", () => {
  const box = ALICE.seal(BOB.publicKey, Uint8Array.of(1, 2, 3));
  for (let bit = 0; bit < box.length * 8; bit++) {
    const wrong = box.slice();
    wrong[bit >> 3]! ^= 1 << (bit & 7);
    assertEquals(BOB.open(ALICE.publicKey, wrong), undefined, `bit ${bit}`);
  }
});

Deno.test("BoxKey.open() refuses a box that is cut short at any place", () => {
  for (let length = 0; length < SEALED.length; length += 5) {
    const cut = SEALED.subarray(0, length);
    assertEquals(BOB.open(ALICE.publicKey, cut), undefined, `${length} bytes`);
  }
  for (const length of [23, 24, 25, 39, 40]) {
    const cut = SEALED.subarray(0, length);
    assertEquals(BOB.open(ALICE.publicKey, cut), undefined, `${length} bytes`);
  }
});

Deno.test("BoxKey.open() refuses a box from or for somebody else", () => {
  const eve = new BoxKey(BoxKey.generate());
  assertEquals(BOB.open(eve.publicKey, SEALED), undefined);
  assertEquals(eve.open(ALICE.publicKey, SEALED), undefined);
});

Deno.test("BoxKey refuses public keys of low order", () => {
  for (const hex of LOW_ORDER) {
    assertEquals(BOB.open(bytes(hex), SEALED), undefined, hex);
    assertThrows(() => BOB.seal(bytes(hex), SEALED), RangeError, "low order");
  }
});

Deno.test("BoxKey.boxWith() agrees once on a key for any number of boxes", () => {
  const alice = ALICE.boxWith(BOB.publicKey)!;
  const bob = BOB.boxWith(ALICE.publicKey)!;
  assertEquals(bob.open(SEALED), bytes(VECTOR.message));
  for (const length of [0, 5, 100]) {
    const message = new Uint8Array(length).fill(length);
    assertEquals(bob.open(alice.seal(message)), message);
    assertEquals(BOB.open(ALICE.publicKey, alice.seal(message)), message);
  }
  for (const hex of LOW_ORDER) assertEquals(BOB.boxWith(bytes(hex)), undefined);
});

Deno.test("SharedBox prints nothing of its key", () => {
  const secret = new SharedBox(new Uint8Array(32).fill(77));
  for (
    const text of [
      Deno.inspect(secret, { showHidden: true, depth: 9 }),
      JSON.stringify(secret),
      `${secret}`,
    ]
  ) {
    assert(!text.includes("77"), text);
  }
});

Deno.test("BoxKey.generate() makes 32 bytes that no other call made", () => {
  const keys = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const key = BoxKey.generate();
    assertEquals(key.length, 32);
    assert(new BoxKey(key).publicKey.length === 32);
    keys.add(toHex(key));
  }
  assertEquals(keys.size, 20);
});
