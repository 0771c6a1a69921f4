/** PEM text. */
import { formatPem, parsePem } from "../../../src/certs/pem.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";
import {
  ENCRYPTED_PKCS8,
  ENCRYPTED_SEC1,
} from "../../support/certs/bad_keys.ts";

const SMALL = "-----BEGIN THING-----\nAQID\n-----END THING-----\n";

Deno.test("formatPem() breaks lines at 64 characters", () => {
  assertEquals(formatPem("THING", Uint8Array.of(1, 2, 3)), SMALL);
  const [begin, first, second, end] = formatPem("X", new Uint8Array(49))
    .split("\n");
  assertEquals(begin, "-----BEGIN X-----");
  assertEquals(first, "A".repeat(64));
  assertEquals(second, "AA==");
  assertEquals(end, "-----END X-----");
});

Deno.test("parsePem() reads what formatPem() wrote", () => {
  for (const length of [0, 1, 2, 3, 47, 48, 49, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    const [block, ...others] = parsePem(formatPem("A B", bytes));
    assertEquals(block, { label: "A B", bytes, encrypted: false });
    assertEquals(others.length, 0);
  }
});

Deno.test("parsePem() skips other text and takes CRLF and blanks at the ends of lines", () => {
  const text = `\ufeffsubject=x\n${SMALL}between\n${SMALL}after`
    .replaceAll("\n", " \r\n");
  assertEquals(parsePem(text).map(({ bytes }) => [...bytes]), [
    [1, 2, 3],
    [1, 2, 3],
  ]);
  assertEquals(parsePem(""), []);
  assertEquals(parsePem("no PEM at all"), []);
});

Deno.test("parsePem() tells encrypted keys in both forms", () => {
  assertEquals(parsePem(ENCRYPTED_PKCS8).map((b) => b.encrypted), [true]);
  assertEquals(parsePem(ENCRYPTED_SEC1).map((b) => b.encrypted), [true]);
});

Deno.test("parsePem() refuses blocks that are cut off, mixed up or not base64", () => {
  const refused: readonly [string, string][] = [
    ["-----BEGIN THING-----\nAQID\n", 'no END line for "THING"'],
    ["AQID\n-----END THING-----\n", "out of place"],
    [SMALL.replace("END THING", "END OTHER"), "out of place"],
    [`-----BEGIN THING-----\n${SMALL}`, "out of place"],
    [SMALL.replace("AQID", "AQ!D"), "not base64"],
    [SMALL.replace("AQID", "AQIDA"), "not base64"],
  ];
  for (const [text, message] of refused) {
    assertThrows(() => parsePem(text), SyntaxError, message);
  }
});
