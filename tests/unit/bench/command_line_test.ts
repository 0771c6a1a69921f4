/** Arguments of the bench and soak tasks. */
import {
  parseArguments,
  positive,
  relayCommand,
  UsageError,
} from "../../bench/command_line.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";

const FLAGS = ["relay", "rounds"];

Deno.test("parseArguments() tells flags from names, with one dash or two", () => {
  const args = ["mesh", "-relay", "./derper -x", "--rounds", "3", "start"];
  const { values, rest } = parseArguments(args, FLAGS);
  assertEquals([...values], [["relay", "./derper -x"], ["rounds", "3"]]);
  assertEquals([...rest], ["mesh", "start"]);
});

Deno.test("parseArguments() refuses unknown flags and missing values", () => {
  for (const args of [["-rely", "x"], ["-relay"]]) {
    assertThrows(() => parseArguments(args, FLAGS), UsageError, args[0]!);
  }
});

Deno.test("positive() refuses what isn't a number above 0", () => {
  const parse = (text: string) => parseArguments(["-rounds", text], FLAGS);
  assertEquals(positive(parse("2.5"), "rounds", 1), 2.5);
  assertEquals(positive(parseArguments([], FLAGS), "rounds", 7), 7);
  for (const text of ["0", "-1", "x", "Infinity", ""]) {
    assertThrows(() => positive(parse(text), "rounds", 1), UsageError);
  }
});

Deno.test("relayCommand() splits at spaces", () => {
  assertEquals(relayCommand("  ./dist/derper  -v "), ["./dist/derper", "-v"]);
});
