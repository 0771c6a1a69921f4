/** The text of a mesh key. */
import { parseMeshKey } from "../../../src/config/mesh_psk.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";

const KEY = "0123456789abcdef".repeat(4);

Deno.test("parseMeshKey() trims white space and takes both cases, as derper", () => {
  for (const text of [KEY, `${KEY}\n`, ` \t${KEY}\r\n`, KEY.toUpperCase()]) {
    const key = parseMeshKey(text);
    assert(typeof key !== "string");
    assertEquals(key.reveal(), KEY);
  }
});

Deno.test("parseMeshKey() says what is wrong and never quotes the text", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "empty"],
    [" \n", "empty"],
    [KEY.slice(1), "63 characters"],
    [KEY + "0", "65 characters"],
    [`${KEY}\n${KEY}`, "129 characters"],
    [KEY.slice(1) + "g", "no hexadecimal digits"],
    [KEY.slice(0, 32) + " " + KEY.slice(33), "no hexadecimal digits"],
    ["0".repeat(64), "all zero"],
  ];
  for (const [text, words] of cases) {
    const mistake = parseMeshKey(text);
    assert(typeof mistake === "string");
    assertStringIncludes(mistake, words);
    assert(!mistake.includes("abcdef"));
  }
});
