/** Long lists in pieces: whatever JSON.parse takes passes, and nothing else. */
import { JsonListReader } from "../../../src/admission/json_list_reader.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";

const TEXT =
  ` {"page": [{"devices": [{"n":0}]}], "devices" : [\n{"n":1,"s":"a]}\\"{["}, {"n":2,"in":{"l":[{}]}}\t], "é": {"devices":[{}]}} `;

/** The elements that are found when `text` comes in pieces. */
function read(text: string, pieceChars = text.length): unknown[] {
  const elements: unknown[] = [];
  const reader = new JsonListReader("devices", (e) => elements.push(e));
  for (let at = 0; at < text.length; at += pieceChars) {
    reader.push(text.slice(at, at + pieceChars));
  }
  reader.end();
  return elements;
}

Deno.test("JsonListReader finds what JSON.parse finds, whatever the pieces", () => {
  const expected: unknown[] = JSON.parse(TEXT).devices;
  assertEquals(expected.length, 2);
  for (const pieceChars of [TEXT.length, 1, 2, 7, 31]) {
    assertEquals(read(TEXT, pieceChars), expected, `${pieceChars}`);
  }
  assertEquals(read('{"devices":[]}'), []);
  assertEquals(read('\ufeff{"devices":[]}'.slice(1)), []);
});

Deno.test("JsonListReader refuses what is no list of objects", () => {
  for (
    const text of [
      "",
      "null",
      "[]",
      "{}",
      '{"devices":null}',
      '{"devices":{}}',
      '{"devices":[1]}',
      '{"devices":[{},0]}',
      '{"devices":[[{}]]}',
      '{"devices":[{}],"devices":[]}',
      '{"x\\"devices":[{}]}',
      '{"a":{"devices":[{}]}}',
      '[{"devices":[{}]}]',
      '{"devices":[{"n":1]]}',
      '{"devices":[{"n":1}',
      '{"devices":[{"n":1',
      '{"devices":[{"n":1},]}',
      '{"devices":[{"n":1} {"n":2}]}',
      '{"devices":[{"n":1}]} x',
      '{"devices":[{"n":1}]}}',
      '{"devices" [{}]}',
      "<!doctype html><p>hello",
    ]
  ) {
    assertThrows(() => read(text), SyntaxError);
    assertThrows(() => read(text, 1), SyntaxError);
  }
});

Deno.test("JsonListReader gives up as soon as it sees that there is no object", () => {
  const reader = new JsonListReader("devices", () => {});
  reader.push(" \n");
  assertThrows(() => reader.push("<html>"), SyntaxError);
});

Deno.test("JsonListReader agrees with JSON.parse on every text with one character gone or changed", () => {
  let accepted = 0;
  for (let at = 0; at < TEXT.length; at++) {
    for (const put of ["", '"', "{", "]", "\\", "0", ","]) {
      const text = TEXT.slice(0, at) + put + TEXT.slice(at + 1);
      const expected = parsed(text);
      if (expected === undefined) {
        assertThrows(() => read(text), SyntaxError);
      } else {
        accepted++;
        assertEquals(read(text, 3), expected, text);
      }
    }
  }
  assert(accepted > 50);
});

/** The list as JSON.parse has it, where it has one of objects. */
function parsed(text: string): unknown[] | undefined {
  try {
    const list = JSON.parse(text).devices;
    const isList = Array.isArray(list) &&
      list.every((e) => typeof e === "object" && !Array.isArray(e));
    return isList ? list : undefined;
  } catch {
    return undefined;
  }
}

Deno.test("JsonListReader keeps no more than a device and a placeholder for each", () => {
  const huge = `{"devices":[{"s":"${"x".repeat(1024)}`;
  const reader = new JsonListReader("devices", () => {});
  reader.push(huge);
  assertThrows(() => {
    for (let i = 0; i < 1024; i++) reader.push("x".repeat(1024));
  }, SyntaxError);
  const other = new JsonListReader("devices", () => {});
  other.push('{"other":"');
  assertThrows(() => {
    for (let i = 0; i < 5 * 64; i++) other.push("x".repeat(16 * 1024));
  }, SyntaxError);
});
