/** The key that binds an ACME account. */
import { EabKey } from "../../../src/keys/eab_key.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("EabKey.parse() takes both alphabets of base64, with padding or without", () => {
  const texts: readonly (readonly [string, string])[] = [
    ["AQ", "AQ"],
    ["AQ==", "AQ"],
    ["AQI=", "AQI"],
    ["-_-_", "-_-_"],
    ["+/+/", "-_-_"],
    [" +/8=\n", "-_8"],
  ];
  for (const [text, key] of texts) {
    assertEquals(EabKey.parse(text)?.reveal(), key, text);
  }
});

Deno.test("EabKey.parse() refuses what is no base64", () => {
  for (
    const text of ["", "=", "A", "ABCDE", "A Q", "A+-A", "AQ===", "\u00fc"]
  ) {
    assertEquals(EabKey.parse(text), undefined, text);
  }
});

Deno.test("EabKey prints as a placeholder", () => {
  const key = EabKey.parse("c2VjcmV0")!;
  const texts = [String(key), JSON.stringify({ key }), Deno.inspect(key)];
  for (const text of texts) assert(!text.includes("c2Vj"), text);
});
