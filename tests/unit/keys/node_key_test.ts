/** Node keys: their text, their short form, and that private ones don't print. */
import { NodePrivate, NodePublic } from "../../../src/keys/node_key.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { testKey } from "../../support/test_keys.ts";

const HEX = "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59";

/** Text that is a key in neither form, after the prefix. */
const WRONG = [
  "",
  HEX.slice(1),
  HEX + "0",
  HEX.slice(2) + "zz",
  ` ${HEX}`,
  `${HEX}\n`,
  `0x${HEX.slice(2)}`,
];

Deno.test("NodePublic.parse() reads what toString() writes, in either case", () => {
  const text = `nodekey:${HEX}`;
  assertEquals(NodePublic.parse(text)?.toString(), text);
  assertEquals(
    NodePublic.parse(`nodekey:${HEX.toUpperCase()}`)?.toString(),
    text,
  );
  assertEquals(NodePublic.parse(text)?.hex(), HEX);
});

Deno.test("NodePublic.parse() takes nothing else", () => {
  for (const rest of WRONG) {
    assertEquals(NodePublic.parse(`nodekey:${rest}`), undefined, rest);
  }
  for (const prefix of ["", "privkey:", "NODEKEY:", " nodekey:", "nodekey"]) {
    assertEquals(NodePublic.parse(prefix + HEX), undefined, prefix);
  }
});

Deno.test("NodePublic.shortString() is the one that derper logs", () => {
  assertEquals(testKey(2).publicKey.shortString(), "[zo060]");
  assertEquals(testKey(3).publicKey.shortString(), "[Xf7dO]");
});

Deno.test("NodePublic.fromBytes() copies, from any offset", () => {
  const buffer = new Uint8Array(40);
  buffer.set(testKey(2).publicKey.bytes, 7);
  const key = NodePublic.fromBytes(buffer, 7);
  buffer.fill(0);
  assert(key.equals(testKey(2).publicKey));
  assert(!key.equals(testKey(3).publicKey));
});

Deno.test("NodePrivate.parse() reads what reveal() writes", () => {
  const key = NodePrivate.generate();
  const again = NodePrivate.parse(key.reveal());
  assertEquals(again?.reveal(), key.reveal());
  assert(again?.publicKey.equals(key.publicKey));
});

Deno.test("NodePrivate.parse() takes nothing else, nor a key of zeros", () => {
  for (const rest of WRONG) {
    assertEquals(NodePrivate.parse(`privkey:${rest}`), undefined, rest);
  }
  assertEquals(NodePrivate.parse(`nodekey:${HEX}`), undefined);
  assertEquals(NodePrivate.parse(`privkey:${"0".repeat(64)}`), undefined);
});

Deno.test("NodePrivate has the public key that Go derives from it", () => {
  assertEquals(
    testKey(1).publicKey.hex(),
    "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209",
  );
  assertEquals(testKey(2).publicKey.hex(), HEX);
});

Deno.test("NodePrivate.openFrom() opens what sealTo() seals, and for nobody else", () => {
  const [alice, bob, eve] = [testKey(2), testKey(3), testKey(4)];
  const message = Uint8Array.of(1, 2, 3);
  const box = alice.sealTo(bob.publicKey, message);
  assertEquals(bob.openFrom(alice.publicKey, box), message);
  assertEquals(eve.openFrom(alice.publicKey, box), undefined);
  assertEquals(bob.openFrom(eve.publicKey, box), undefined);
});

Deno.test("NodePrivate prints as a placeholder everywhere", () => {
  const key = testKey(2);
  const secret = "02".repeat(8);
  const nested = { key, list: [key] };
  for (
    const text of [
      `${key}`,
      key + "",
      String([key]),
      JSON.stringify(key),
      JSON.stringify(nested),
      Deno.inspect(key, { showHidden: true, depth: 9, getters: true }),
      Deno.inspect(nested, { depth: 9 }),
      Object.entries(key).join(),
    ]
  ) {
    assert(!text.includes(secret) && !text.includes("2, 2, 2, 2"), text);
  }
  assertEquals(`${key}`, "[private key]");
  assertEquals(JSON.stringify(nested.list), '["[private key]"]');
});
