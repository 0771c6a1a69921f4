/** What the arguments ask for: to run, to show a text, or to be put right. */
import type { Config } from "./config.ts";
import { readEnvironment } from "./environment.ts";
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
    /** To be shown after the problems, where arguments were not understood. */
    readonly usage?: string;
  };

/** Reads the arguments behind the program's name, and for flags that are not among them the environment. */
export function parseCommandLine(
  args: readonly string[],
  from: Surroundings,
): CommandLine {
  const defaults = flagDefaults(FLAGS, from);
  const usage = usageText(FLAGS, defaults);
  const typed = parseGoFlags(args, FLAGS, { defaults });
  if (typed.help) return { kind: "help", text: usage };
  const understood = typed.problems.length === 0;
  if (typed.values.version && understood) return { kind: "version" };
  const { env } = from;
  const environment = readEnvironment(FLAGS, { env, given: typed.given });
  const { variables } = environment;
  const flags = parseGoFlags(args, FLAGS, { defaults, variables });
  const { config, ...found } = makeConfig(flags, from);
  const problems = [
    ...flags.problems,
    ...environment.problems,
    ...found.problems,
  ];
  if (problems.length === 0) {
    return {
      kind: "run",
      config,
      notes: [...environment.notes, ...found.notes],
    };
  }
  return { kind: "problems", problems, ...!understood && { usage } };
}
