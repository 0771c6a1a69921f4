import {
  KeyList,
  listedKey,
  listedName,
} from "../../../src/admission/key_list.ts";
import { assertEquals } from "../../support/assert.ts";
import { testKey } from "../../support/test_keys.ts";

const [ANN, BOB, EVE] = [testKey(1), testKey(2), testKey(3)]
  .map((key) => key.publicKey) as [Key, Key, Key];
type Key = ReturnType<typeof testKey>["publicKey"];

Deno.test("KeyList.has() knows the keys of the list and no others", () => {
  const list = new KeyList(
    new Map([[ANN.toString(), "ann"], [BOB.toString(), undefined]]),
  );
  assertEquals([ANN, BOB, EVE].map((key) => list.has(key)), [
    true,
    true,
    false,
  ]);
  assertEquals(
    [ANN, BOB, EVE].map((key) => list.nameOf(key)),
    ["ann", undefined, undefined],
  );
  assertEquals(list.size, 2);
});

Deno.test("KeyList.countNotIn() counts keys, whatever their names", () => {
  const before = new KeyList(
    new Map([[ANN.toString(), "ann"], [BOB.toString(), "bob"]]),
  );
  const after = new KeyList(
    new Map([[ANN.toString(), "anna"], [EVE.toString(), "eve"]]),
  );
  assertEquals(after.countNotIn(before), 1);
  assertEquals(before.countNotIn(after), 1);
  assertEquals(before.countNotIn(before), 0);
});

const HEX = "0123456789abcdef".repeat(4);

const KEYS: [text: unknown, key: string | undefined][] = [
  [`nodekey:${HEX}`, `nodekey:${HEX}`],
  [`nodekey:${HEX.toUpperCase()}`, `nodekey:${HEX}`],
  [`nodekey:${HEX}0`, undefined],
  [`nodekey:${HEX.slice(1)}`, undefined],
  [`nodekey:${HEX.slice(1)}g`, undefined],
  [`xnodekey:${HEX}`, undefined],
  [`nodekey:${HEX}\n`, undefined],
  [`privkey:${HEX}`, undefined],
  [HEX, undefined],
  [`nodekey:${"0".repeat(64)}`, undefined],
  ["", undefined],
  [undefined, undefined],
  [17, undefined],
];

for (const [text, key] of KEYS) {
  Deno.test(`listedKey() makes ${key} of ${JSON.stringify(text)}`, () => {
    assertEquals(listedKey(text), key);
  });
}

Deno.test("listedName() leaves one short line, in which nobody can forge another key", () => {
  assertEquals(listedName("  Ann's phone\t"), "Ann's phone");
  assertEquals(listedName(`a\nnodekey:${HEX}`), `a nodekey:${HEX}`);
  assertEquals(listedName("a\u2028\u0085\r\n\0b"), "a b");
  assertEquals(listedName("\ud800x"), "x");
  assertEquals(listedName("x".repeat(101)), "x".repeat(100));
  for (const nothing of ["", " \n ", undefined, null, 17, {}]) {
    assertEquals(listedName(nothing), undefined);
  }
});
