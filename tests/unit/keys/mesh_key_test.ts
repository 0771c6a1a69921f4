/** The mesh key: its text, its comparison, and that it doesn't print. */
import { MeshKey } from "../../../src/keys/mesh_key.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { testMeshKey } from "../../support/test_keys.ts";

const HEX = "0123456789abcdef".repeat(4);

Deno.test("MeshKey.parse() reads what reveal() writes, in either case", () => {
  assertEquals(MeshKey.parse(HEX)?.reveal(), HEX);
  assertEquals(MeshKey.parse(HEX.toUpperCase())?.reveal(), HEX);
});

Deno.test("MeshKey.parse() takes nothing else, nor a key of zeros, which is none in Go", () => {
  for (
    const text of [
      "",
      HEX.slice(1),
      HEX + "0",
      HEX.slice(2) + "xy",
      ` ${HEX}`,
      `${HEX}\n`,
      "0".repeat(64),
    ]
  ) {
    assertEquals(MeshKey.parse(text), undefined, JSON.stringify(text));
  }
});

Deno.test("MeshKey.equals() compares every byte", () => {
  const key = MeshKey.parse(HEX)!;
  assert(key.equals(MeshKey.parse(HEX)!));
  for (let i = 0; i < 64; i++) {
    const other = HEX.slice(0, i) + (HEX[i] === "f" ? "e" : "f") +
      HEX.slice(i + 1);
    assert(!key.equals(MeshKey.parse(other)!), `digit ${i}`);
  }
});

Deno.test("MeshKey prints as a placeholder everywhere", () => {
  const key = testMeshKey(7);
  const secret = "0707070707";
  const nested = { key, list: [key] };
  for (
    const text of [
      `${key}`,
      key + "",
      String([key]),
      JSON.stringify(nested),
      Deno.inspect(nested, { showHidden: true, depth: 9 }),
      Object.entries(key).join(),
    ]
  ) {
    assert(!text.includes(secret) && !text.includes("7, 7, 7, 7"), text);
  }
  assertEquals(`${key}`, "[mesh key]");
  assertEquals(JSON.stringify(nested.list), '["[mesh key]"]');
});
