/** What the arguments ask for: to run, to show a text, or to be put right. */
import type { Config } from "./config.ts";
import { FLAGS } from "./flags.ts";
import { flagDefaults, parseGoFlags } from "./go_flag.ts";
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
    /** To be shown after the problems, where flags were not understood. */
    readonly usage?: string;
  };

/** Reads the arguments behind the program's name. */
export function parseCommandLine(
  args: readonly string[],
  from: Surroundings,
): CommandLine {
  const defaults = flagDefaults(FLAGS, from);
  const flags = parseGoFlags(args, FLAGS, defaults);
  if (flags.help) return { kind: "help", text: usageText(FLAGS, defaults) };
  const understood = flags.problems.length === 0;
  if (flags.values.version && understood) return { kind: "version" };
  const { config, problems, notes } = makeConfig(flags, from);
  if (understood && problems.length === 0) {
    return { kind: "run", config, notes };
  }
  return {
    kind: "problems",
    problems: [...flags.problems, ...problems],
    ...!understood && { usage: usageText(FLAGS, defaults) },
  };
}
