/** DER reader and writer. */
import {
  contextTag,
  DerReader,
  DerTag,
} from "../../../src/certs/der_reader.ts";
import { der, derBitString, derTime } from "../../../src/certs/der_writer.ts";
import { fromHex, toHex } from "../../../src/util/bytes.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";

const hex = (text: string) => fromHex(text, text.length / 2)!;

Deno.test("der() writes lengths in the shortest form", () => {
  const octets = (count: number) => der(4, new Uint8Array(count));
  assertEquals(toHex(octets(0)), "0400");
  assertEquals(toHex(octets(127).subarray(0, 3)), "047f00");
  assertEquals(toHex(octets(128).subarray(0, 4)), "04818000");
  assertEquals(toHex(octets(256).subarray(0, 5)), "0482010000");
  assertEquals(toHex(octets(65536).subarray(0, 6)), "048301000000");
});

Deno.test("derTime() changes its form with the year 2050", () => {
  const text = (iso: string) =>
    new TextDecoder().decode(derTime(new Date(iso)));
  assertEquals(text("2049-12-31T23:59:59Z"), "\x17\x0d491231235959Z");
  assertEquals(text("2050-01-01T00:00:00.999Z"), "\x18\x0f20500101000000Z");
});

Deno.test("DerReader reads what der() wrote, at every length of a length", () => {
  for (const count of [0, 1, 127, 128, 255, 256, 65535, 65536]) {
    const content = new Uint8Array(count).fill(7);
    const whole = der(DerTag.sequence, der(DerTag.octetString, content));
    const reader = new DerReader(whole);
    const inner = reader.enter(DerTag.sequence);
    reader.end();
    assertEquals(inner.read(DerTag.octetString).content.length, count);
    assertEquals(inner.peekTag(), undefined);
  }
});

Deno.test("DerReader.readOptional() reads only the tag it was asked for", () => {
  const reader = new DerReader(hex("a003020102020107"));
  assertEquals(reader.readOptional(DerTag.integer), undefined);
  assertEquals(toHex(reader.readOptional(contextTag(0))!.content), "020102");
  assertEquals(toHex(reader.read(DerTag.integer).whole), "020107");
  reader.end();
});

Deno.test("DerReader.readBitString() wants whole octets", () => {
  const bits = new DerReader(derBitString(hex("abcd"))).readBitString();
  assertEquals(toHex(bits), "abcd");
  for (const bad of ["030207ff", "0300"]) {
    assertThrows(() => new DerReader(hex(bad)).readBitString(), SyntaxError);
  }
});

Deno.test("DerReader refuses what doesn't fit, and says where it saw it", () => {
  const refused: readonly [string, string][] = [
    ["", "ends within"],
    ["30", "ends within"],
    ["3005", "ends within"],
    ["300501", "ends within"],
    ["3082", "ends within"],
    ["30820100", "ends within"],
    ["3080", "impossible form"],
    ["308400000001ff", "impossible form"],
    ["30ff", "impossible form"],
    ["1f2001ff", "over 30"],
  ];
  for (const [bytes, message] of refused) {
    assertThrows(() => new DerReader(hex(bytes)).next(), SyntaxError, message);
  }
  assertThrows(
    () => new DerReader(hex("020100")).read(DerTag.sequence),
    SyntaxError,
    "tag 2 stands where 48 has to be",
  );
  assertThrows(() => new DerReader(hex("0500")).end(), SyntaxError, "more");
});
