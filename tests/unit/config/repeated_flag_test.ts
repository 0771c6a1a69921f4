/** Flags that add up where they are given several times. */
import { type FlagTable, parseGoFlags } from "../../../src/config/go_flag.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const TABLE = {
  "l": { type: "string", default: "", help: "", repeats: true },
  "s": { type: "string", default: "", help: "" },
  "k": { type: "string", default: "", help: "", repeats: true, secret: true },
} as const satisfies FlagTable;

const DEFAULTS = new Map([["l", ""], ["s", ""], ["k", ""]]);

function parse(...args: readonly string[]) {
  return parseGoFlags(args, TABLE, { defaults: DEFAULTS });
}

Deno.test("parseGoFlags() keeps every text of a flag that repeats, as it is and in order", () => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [[], []],
    [["-l", "a"], ["a"]],
    [["-l", "b", "--l=a", "-l=b"], ["b", "a", "b"]],
    [["-l", "a,b", "-l", " c "], ["a,b", " c "]],
    [["-l", "-x", "-l", "--", "-l=--l=1"], ["-x", "--", "--l=1"]],
    [["-l", "0", "-l", "true", "-l", "a=b"], ["0", "true", "a=b"]],
    [["-l=", "-l", "a", "-l", ""], ["a"]],
  ];
  for (const [args, expected] of cases) {
    const { values, problems } = parse(...args);
    assertEquals(problems, []);
    assertEquals(values.l, expected);
  }
});

Deno.test("parseGoFlags() keeps the last text alone of a flag that doesn't", () => {
  assertEquals(parse("-s", "a", "-l", "x", "-s", "b").values.s, "b");
});

Deno.test("parseGoFlags() shows all texts of a flag that repeats, and none of a secret", () => {
  const { given } = parse("-l", "a", "-k", "s3cret", "-l=b", "-k=s3cret");
  assertEquals(given.get("l"), { label: "-l", shown: '"a", "b"' });
  assertEquals(given.get("k"), { label: "-k", shown: "(hidden), (hidden)" });
});

Deno.test("parseGoFlags() takes one variable for a flag that repeats, unless it is given", () => {
  const variables = new Map([["l", { name: "DERP_L", value: "a,b" }]]);
  const read = (...args: readonly string[]) =>
    parseGoFlags(args, TABLE, { defaults: DEFAULTS, variables });
  assertEquals(read().values.l, ["a,b"]);
  assertEquals(read().given.get("l"), { label: "DERP_L", shown: '"a,b"' });
  assertEquals(read("-l", "c").values.l, ["c"]);
});

Deno.test("parseGoFlags() doesn't show what may be a secret of a flag that isn't there", () => {
  for (const name of ["api-key", "client-secret", "Token", "password"]) {
    const [problem, ...more] = parse(`-${name}=s3cret`, "-l", "a").problems;
    assertEquals(more, []);
    assertEquals(problem, `Unknown flag "-${name}" with (hidden)`);
    const separate = parse(`-${name}`, "s3cret").problems;
    assert(!separate.join().includes("s3cret"));
  }
});
