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
  "rate": { type: "float", default: "+Inf", help: "" },
  "hidden": { type: "string", default: "", help: "", secret: true },
  "hidden-n": { type: "int", default: "0", help: "", secret: true },
  "later": { type: "string", default: "", help: "", unsupported: "why" },
  "later-bool": {
    type: "bool",
    default: "false",
    help: "",
    unsupported: "for now",
  },
} as const satisfies FlagTable;

const DEFAULTS = flagDefaults(TABLE, {
  env: (name) => name === "HOME" ? "/home/u" : undefined,
  uid: 0,
  exists: () => false,
});

function parse(...args: readonly string[]): ParsedFlags<typeof TABLE> {
  return parseGoFlags(args, TABLE, { defaults: DEFAULTS });
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
    assertEquals([...parse(...way).given], [
      ["s", { label: "-s", shown: '"v"' }],
    ]);
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
    ["9223372036854775807", 2 ** 63],
    ["-9223372036854775808", -(2 ** 63)],
  ];
  for (const [text, value] of numbers) {
    assertEquals(values("-n", text).n, value, text);
  }
  for (
    const text of [
      "",
      "x",
      "8.0",
      "1e3",
      " 80",
      "080",
      "--1",
      "9223372036854775808",
      "9".repeat(400),
    ]
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

Deno.test("parseGoFlags() takes Go's floating-point numbers, but no NaN", () => {
  assertEquals(values().rate, Infinity);
  const numbers: readonly (readonly [string, number])[] = [
    ["10", 10],
    ["-0.5", -0.5],
    [".5", 0.5],
    ["5.", 5],
    ["+1e3", 1000],
    ["2.5E-1", 0.25],
    ["inf", Infinity],
    ["+Inf", Infinity],
    ["-Infinity", -Infinity],
  ];
  for (const [text, value] of numbers) {
    assertEquals(values("-rate", text).rate, value, text);
  }
  for (const text of ["", ".", "NaN", "1e999", "1,5", "0x10", " 1", "e3"]) {
    assertEquals(problems("-rate", text), [
      `Invalid -rate "${text}": it takes a number`,
    ]);
  }
});

Deno.test("parseGoFlags() refuses flags by name that aren't supported, unless they say so themselves", () => {
  assertEquals(
    problems("-later", "v", "-later-bool", "--later-bool=x"),
    [
      'Unsupported -later "v": why',
      'Unsupported -later-bool "true": for now',
      'Unsupported -later-bool "x": for now',
    ],
  );
  assertEquals(problems("-later=", "-later-bool=F"), []);
});

Deno.test("parseGoFlags() shows no secret", () => {
  const { values, given, problems } = parse("-hidden=s3cret", "-hidden-n=s3");
  assertEquals(values.hidden, "s3cret");
  assertEquals(given.get("hidden"), { label: "-hidden", shown: "(hidden)" });
  assertEquals(problems, [
    "Invalid -hidden-n (hidden): it takes a whole number",
  ]);
});

Deno.test("parseGoFlags() takes variables for flags that aren't among the arguments", () => {
  const variables = new Map([
    ["s", { name: "X_S", value: "from there" }],
    ["n", { name: "X_N", value: "x" }],
    ["off", { name: "X_OFF", value: "1" }],
    ["on", { name: "X_ON", value: "nix" }],
    ["later-bool", { name: "X_LATER", value: "true" }],
  ]);
  const sources = { defaults: DEFAULTS, variables };
  const { values, given, problems } = parseGoFlags([], TABLE, sources);
  assertEquals(values.s, "from there");
  assert(values.off === true);
  assertEquals(given.get("s"), { label: "X_S", shown: '"from there"' });
  assertEquals(problems, [
    'Invalid X_N "x": it takes a whole number',
    'Invalid X_ON "nix": it takes true or false',
    'Unsupported X_LATER "true": for now',
  ]);
  const args = ["-s=here", "-n=5", "-off=0", "-on", "-later-bool=0"];
  const both = parseGoFlags(args, TABLE, sources);
  assertEquals(both.problems, []);
  assertEquals([both.values.s, both.values.n], ["here", 5]);
  assert(both.values.off === false);
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
