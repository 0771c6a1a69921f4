/** The flag table against that of the real derper. */
import { FLAGS } from "../../src/config/flags.ts";
import {
  flagDefaults,
  type FlagTable,
  parseGoFlags,
} from "../../src/config/go_flag.ts";
import { usageText } from "../../src/config/usage.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { findGoDerper } from "../support/go_derper.ts";

const goDerper = findGoDerper();
const SKIPPED = "SKIPPED, there is no Go derper here";

const HOME = "/home/u";
const table: FlagTable = FLAGS;
const defaults = flagDefaults(table, {
  env: (name) => name === "HOME" ? HOME : undefined,
  uid: 0,
  exists: () => false,
});

/** What `-h` says of a flag. */
interface Shown {
  readonly type: string;
  readonly default: string;
}

/** The flags in a text in the layout of Go's flag package. */
function shownFlags(usage: string): Map<string, Shown> {
  const lines = usage.matchAll(/^ {2}-(\S+)(?: (\S+))?\n {4}\t(.*)$/gm);
  return new Map(
    [...lines].map(([, name, type, help]) => [name!, {
      // Go takes a word in backquotes within the help text for the type; derper has one such `0`.
      type: type === "0" ? "string" : type ?? "bool",
      default: /\(default (.*)\)$/.exec(help!)?.[1] ?? "",
    }]),
  );
}

/** What `-h` of the Go derper prints. */
async function goUsage(derper: string): Promise<string> {
  const { stderr } = await new Deno.Command(derper, {
    args: ["-h"],
    clearEnv: true,
    env: { HOME },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return new TextDecoder().decode(stderr);
}

Deno.test({
  name: `FLAGS has the names, types and defaults of derper -h${
    goDerper ? "" : `: ${SKIPPED}`
  }`,
  ignore: goDerper === undefined,
  fn: async () => {
    const theirs = shownFlags(await goUsage(goDerper!));
    assert(theirs.size > 30, String(theirs.size));
    const ours = shownFlags(usageText(table, defaults));
    for (const name of Object.keys(table)) {
      assert(theirs.has(name) !== (table[name]!.ours === true), name);
      if (table[name]!.ours) ours.delete(name);
    }
    assertEquals([...ours].sort(), [...theirs].sort());
    for (const name of theirs.keys()) {
      const value = defaults.get(name)!;
      assertEquals(parseGoFlags([`-${name}=${value}`], table, { defaults }), {
        ...parseGoFlags([], table, { defaults }),
        given: new Map([[name, {
          label: `-${name}`,
          shown: table[name]!.secret ? "(hidden)" : JSON.stringify(value),
        }]]),
      }, name);
    }
  },
});
