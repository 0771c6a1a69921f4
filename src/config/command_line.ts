/** What the arguments ask for: to run, to show a text, or to be put right. */
import type { Config } from "./config.ts";
import { FLAGS } from "./flags.ts";
import { flagDefaults } from "./go_flag.ts";
import { readFlags } from "./read_flags.ts";
import { makeConfig } from "./rules.ts";
import type { Surroundings } from "./surroundings.ts";
import { usageText } from "./usage.ts";

/** What a command line asks for. */
export type CommandLine =
  | {
    readonly kind: "run";
    readonly config: Config;
    /** What an operator may want to know: flags without effect, a default that depends on the user. */
    readonly notes: readonly string[];
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | {
    readonly kind: "problems";
    readonly problems: readonly string[];
    /** To be shown before the problems, where arguments were not understood. */
    readonly usage?: string;
  };

/** Reads the arguments behind the program's name, and for flags that are not among them the environment. */
export function parseCommandLine(
  args: readonly string[],
  from: Surroundings,
): CommandLine {
  const flags = readFlags(args, FLAGS, { from });
  const usage = () => usageText(FLAGS, flagDefaults(FLAGS, from));
  if (flags.help) return { kind: "help", text: usage() };
  const { isUnderstood } = flags;
  if (flags.values.version && isUnderstood) return { kind: "version" };
  const { config, ...found } = makeConfig(flags, from);
  const problems = [...flags.problems, ...found.problems];
  if (problems.length === 0) {
    return { kind: "run", config, notes: [...flags.notes, ...found.notes] };
  }
  return { kind: "problems", problems, ...!isUnderstood && { usage: usage() } };
}
