/** The map by node key, also where keys share a chain. */
import { NodePublic } from "../../../src/keys/node_key.ts";
import { KeyMap } from "../../../src/relay/key_map.ts";
import { assertEquals } from "../../support/assert.ts";

/** A key that differs from others only behind the bytes that are hashed. */
function twin(n: number): NodePublic {
  const bytes = new Uint8Array(32).fill(7);
  bytes[8] = n;
  bytes[31] = n >> 8;
  return NodePublic.fromBytes(bytes);
}

function randomKey(): NodePublic {
  return NodePublic.fromBytes(crypto.getRandomValues(new Uint8Array(32)));
}

Deno.test("KeyMap.get() finds a key at any offset of a buffer", () => {
  const map = new KeyMap<string>();
  const key = randomKey();
  map.add(key, "value");
  const buffer = new Uint8Array(100);
  buffer.set(key.bytes, 37);
  assertEquals(map.get(buffer, 37), "value");
  assertEquals(map.get(buffer, 36), undefined);
  assertEquals(map.get(key.bytes), "value");
});

Deno.test("KeyMap.get() compares whole keys", () => {
  const map = new KeyMap<number>();
  const key = randomKey();
  map.add(key, 1);
  for (let i = 0; i < 32; i++) {
    const other = key.bytes.with(i, key.bytes[i]! ^ 1);
    assertEquals(map.get(other), undefined, `byte ${i}`);
  }
});

Deno.test("KeyMap.get() doesn't find a key that is cut off by the buffer's end", () => {
  const map = new KeyMap<number>();
  map.add(NodePublic.fromBytes(new Uint8Array(32)), 1);
  for (let length = 0; length < 32; length++) {
    assertEquals(map.get(new Uint8Array(length)), undefined);
  }
});

Deno.test("KeyMap keeps thousands of random keys apart", () => {
  const map = new KeyMap<number>();
  const keys = Array.from({ length: 3000 }, randomKey);
  keys.forEach((key, i) => map.add(key, i));
  assertEquals(map.size, 3000);
  assertEquals(keys.map((key) => map.get(key.bytes)), [...keys.keys()]);
  for (const key of keys.slice(0, 1500)) map.delete(key);
  assertEquals(map.size, 1500);
  assertEquals(map.get(keys[0]!.bytes), undefined);
  assertEquals(map.get(keys[2999]!.bytes), 2999);
  assertEquals([...map.values()].length, 1500);
});

Deno.test("KeyMap bears keys of one chain, deleted in any order", () => {
  for (
    const order of [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]]
  ) {
    const map = new KeyMap<number>();
    for (let i = 0; i < 4; i++) map.add(twin(i), i);
    const left = new Set([0, 1, 2, 3]);
    for (const i of order) {
      map.delete(twin(i));
      left.delete(i);
      assertEquals(map.size, left.size);
      assertEquals([...map.values()].sort(), [...left]);
      for (let j = 0; j < 4; j++) {
        assertEquals(map.get(twin(j).bytes), left.has(j) ? j : undefined);
      }
    }
  }
});

Deno.test("KeyMap.delete() of a key that isn't there does nothing", () => {
  const map = new KeyMap<number>();
  map.add(twin(1), 1);
  map.delete(twin(2));
  map.delete(randomKey());
  assertEquals(map.size, 1);
  assertEquals(map.get(twin(1).bytes), 1);
});
