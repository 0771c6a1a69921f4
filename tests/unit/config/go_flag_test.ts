/** Go's flag syntax. */
import {
  flagDefaults,
  type FlagTable,
  type ParsedFlags,
  parseGoFlags,
} from "../../../src/config/go_flag.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const TABLE = {
  "s": { type: "string", default: "std", help: "" },
  "n": { type: "int", default: "80", help: "" },
  "on": { type: "bool", default: "true", help: "" },
  "off": { type: "bool", default: "false", help: "" },
  "time": { type: "duration", default: "15s", help: "" },
  "from-home": {
    type: "string",
    default: ({ env }) => `${env("HOME")}/x`,
    help: "",
  },
  "later": { type: "string", default: "", help: "", unsupported: true },
  "later-bool": { type: "bool", default: "false", help: "", unsupported: true },
  "hidden": {
    type: "string",
    default: "",
    help: "",
    unsupported: true,
    secret: true,
  },
} as const satisfies FlagTable;

const DEFAULTS = flagDefaults(TABLE, {
  env: (name) => name === "HOME" ? "/home/u" : undefined,
  uid: 0,
  exists: () => false,
});

function parse(...args: readonly string[]): ParsedFlags<typeof TABLE> {
  return parseGoFlags(args, TABLE, DEFAULTS);
}

/** The values, of a command line that has to be without problems. */
function values(
  ...args: readonly string[]
): ParsedFlags<typeof TABLE>["values"] {
  const parsed = parse(...args);
  assertEquals(parsed.problems, []);
  assert(parsed.help === false);
  return parsed.values;
}

function problems(...args: readonly string[]): readonly string[] {
  return parse(...args).problems;
}

Deno.test("parseGoFlags() has the default of each flag that isn't given", () => {
  const { s, n, on, off, time, "from-home": fromHome } = values();
  assertEquals({ s, n, on, off, time, fromHome }, {
    s: "std",
    n: 80,
    on: true,
    off: false,
    time: 15_000,
    fromHome: "/home/u/x",
  });
  assertEquals(parse().given.size, 0);
});

Deno.test("parseGoFlags() takes one dash or two, and the value behind = or a space", () => {
  const ways = [["-s", "v"], ["--s", "v"], ["-s=v"], ["--s=v"]];
  for (const way of ways) {
    assertEquals(values(...way).s, "v");
    assertEquals([...parse(...way).given], [["s", "v"]]);
  }
});

Deno.test("parseGoFlags() takes the value as it is", () => {
  const texts = [
    "",
    "a=b",
    "=",
    " x ",
    "line\nbreak",
    "true",
    "5",
    "\u00fc",
    "--",
    "-h",
    "-on",
  ];
  for (const text of texts) {
    assertEquals(values(`-s=${text}`, "-n=1").s, text);
    assertEquals(values("-s", text, "-n", "1").s, text);
    assertEquals(values("-s", text, "-n", "1").n, 1);
  }
});

Deno.test("parseGoFlags() lets the last of two values hold", () => {
  assertEquals(values("-n=1", "-s", "a", "-n=2", "--s", "b").n, 2);
  assertEquals(values("-s", "a", "--s", "b").s, "b");
  assert(values("-off", "-off=false").off === false);
});

Deno.test("parseGoFlags() takes Go's booleans and gives them no separate value", () => {
  for (const text of ["1", "t", "T", "true", "TRUE", "True"]) {
    assert(values(`-off=${text}`).off === true, text);
  }
  for (const text of ["0", "f", "F", "false", "FALSE", "False"]) {
    assert(values(`--on=${text}`).on === false, text);
  }
  assert(values("-off", "-s", "v").off === true);
  assertEquals(problems("-on", "false"), [
    'Unexpected argument "false": a boolean flag takes its value as in -stun=false',
  ]);
  for (const text of ["", "maybe", "tRUE", "yes", "2"]) {
    assertEquals(problems(`-on=${text}`), [
      `Invalid -on "${text}": it takes true or false`,
    ]);
  }
});

Deno.test("parseGoFlags() takes Go's whole numbers", () => {
  const numbers: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["443", 443],
    ["-1", -1],
    ["+7", 7],
    ["0x50", 80],
    ["0b11", 3],
    ["0o17", 15],
    ["017", 15],
  ];
  for (const [text, value] of numbers) {
    assertEquals(values("-n", text).n, value, text);
  }
  for (
    const text of ["", "x", "8.0", "1e3", " 80", "080", "--1", "9".repeat(20)]
  ) {
    assertEquals(problems("-n", text), [
      `Invalid -n "${text}": it takes a whole number`,
    ]);
  }
});

Deno.test("parseGoFlags() checks every value, as Go does, not only the last", () => {
  assertEquals(problems("-time=5", "-time=5s", "-n", "x", "-n", "2"), [
    'Invalid -time "5": it takes a duration such as 15s or 10m0s',
    'Invalid -n "x": it takes a whole number',
  ]);
});

Deno.test("parseGoFlags() refuses arguments that are no flags, and all behind --", () => {
  assertEquals(problems("x", "-h"), [
    'Unexpected argument "x": there is no flag before it that takes it',
  ]);
  assertEquals(problems("-", "").length, 2);
  assertEquals(problems("--"), []);
  assertEquals(problems("-off", "--", "-s", "v").length, 2);
  assertEquals(parse("--", "-s", "v").values.s, "std");
});

Deno.test("parseGoFlags() names bad syntax, unknown flags and missing values", () => {
  for (const arg of ["-=x", "--=x", "---s", "---", "-=", "--="]) {
    assertEquals(problems(arg), [`Bad flag syntax "${arg}"`]);
  }
  assertEquals(problems("-s"), ["Flag -s needs a value, as in -s=VALUE"]);
  assertEquals(problems("-nope=5", "-nope", "5", "--nope", "-off"), [
    'Unknown flag "-nope" with "5"',
    'Unknown flag "-nope" with "5"',
    'Unknown flag "-nope"',
  ]);
  for (const name of ["constructor", "__proto__", "toString", "_", "S", "s "]) {
    assertEquals(problems(`-${name}=1`), [`Unknown flag "-${name}" with "1"`]);
  }
});

Deno.test("parseGoFlags() refuses flags by name that aren't supported yet, and shows no secret", () => {
  assertEquals(
    problems("-later", "v", "-later-bool", "--later-bool=x", "-hidden=s3cret"),
    [
      'Flag -later "v" is not supported yet',
      'Flag -later-bool "true" is not supported yet',
      'Flag -later-bool "x" is not supported yet',
      "Flag -hidden (hidden) is not supported yet",
    ],
  );
});

Deno.test("parseGoFlags() lets what comes first decide between help and problems", () => {
  for (const flag of ["-h", "--h", "-help", "--help", "-h=false"]) {
    const { help, problems } = parse("-s", "v", flag, "-nope");
    assert(help);
    assertEquals(problems, []);
  }
  const { help, problems } = parse("-n=x", "-h", "-nope");
  assert(help === false);
  assertEquals(problems.length, 2);
});

Deno.test("parseGoFlags() takes any arguments without throwing", () => {
  const pieces = [
    "-",
    "--",
    "=",
    "s",
    "on",
    "n",
    "1",
    "\0",
    "\n",
    "no-",
    ".",
    "",
  ];
  let seed = 1;
  const pick = () => {
    seed = (seed * 48271) % 2147483647;
    return pieces[seed % pieces.length]!;
  };
  for (let round = 0; round < 3000; round++) {
    const args = Array.from({ length: 3 }, () => pick() + pick() + pick());
    const { values, problems, help } = parse(...args);
    assertEquals(typeof values.s, "string");
    assertEquals(typeof values.on, "boolean");
    assert(Number.isInteger(values.n));
    assert(help || problems.every((line) => !/[\n\0]/.test(line)));
  }
});
