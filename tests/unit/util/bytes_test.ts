/** Numbers, hexadecimal and comparison of byte strings. */
import {
  concatBytes,
  equalBytes,
  equalConstantTime,
  fromHex,
  readUint16,
  readUint32,
  toHex,
  writeUint16,
  writeUint32,
} from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("writeUint32() and readUint32() agree at any offset, up to the largest", () => {
  const bytes = new Uint8Array(6);
  for (const value of [0, 1, 0x7fffffff, 0x80000000, 0x89abcdef, 0xffffffff]) {
    writeUint32(bytes, value, 1);
    assertEquals(readUint32(bytes, 1), value);
  }
  writeUint32(bytes, 0x89abcdef, 2);
  assertEquals(toHex(bytes.subarray(2)), "89abcdef");
});

Deno.test("writeUint16() and readUint16() agree at any offset, up to the largest", () => {
  const bytes = new Uint8Array(3);
  for (const value of [0, 0x7f, 0x80, 0xff, 0x100, 0xffff]) {
    writeUint16(bytes, value, 1);
    assertEquals(readUint16(bytes, 1), value);
  }
  writeUint16(bytes, 0x04d2, 0);
  assertEquals(toHex(bytes.subarray(0, 2)), "04d2");
});

Deno.test("fromHex() reads what toHex() writes, in either case", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(fromHex(toHex(bytes), 256), bytes);
  assertEquals(fromHex(toHex(bytes).toUpperCase(), 256), bytes);
  assertEquals(fromHex("", 0), new Uint8Array());
});

Deno.test("fromHex() takes nothing but so many bytes of hexadecimal", () => {
  for (
    const text of ["0", "00", "000000", "0g0h", " 000", "0x00", "00 0", "é000"]
  ) {
    assertEquals(fromHex(text, 2), undefined, text);
  }
  assertEquals(fromHex("0000\n", 2), undefined);
});

Deno.test("equalBytes() and equalConstantTime() compare length and every byte", () => {
  const a = Uint8Array.of(1, 2, 3);
  for (const equal of [equalBytes, equalConstantTime]) {
    assert(equal(a, Uint8Array.of(1, 2, 3)));
    assert(equal(new Uint8Array(), new Uint8Array()));
    assert(!equal(a, Uint8Array.of(1, 2)));
    assert(!equal(a, Uint8Array.of(1, 2, 3, 0)));
    for (let i = 0; i < 3; i++) {
      const b = a.slice();
      b[i]! ^= 0x80;
      assert(!equal(a, b));
    }
  }
});

Deno.test("concatBytes() joins copies, also of none", () => {
  const a = Uint8Array.of(1, 2);
  const whole = concatBytes(a, new Uint8Array(), Uint8Array.of(3));
  a[0] = 9;
  assertEquals(whole, Uint8Array.of(1, 2, 3));
  assertEquals(concatBytes(), new Uint8Array());
});
