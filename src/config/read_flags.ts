/** Flags from the command line, and from the environment where they are missing there. */
import { readEnvironment } from "./environment.ts";
import {
  flagDefaults,
  type FlagTable,
  type ParsedFlags,
  parseGoFlags,
} from "./go_flag.ts";
import type { Surroundings } from "./surroundings.ts";

/** What both say; `problems` are those of both. */
export interface ReadFlags<T extends FlagTable> extends ParsedFlags<T> {
  /** Whether the command line alone has no problem. */
  readonly isUnderstood: boolean;
  readonly notes: readonly string[];
}

/** Reads the flags of `table`; those of `fromEnvironment`, by default all of them, may come from there. */
export function readFlags<T extends FlagTable>(
  args: readonly string[],
  table: T,
  { from, fromEnvironment = table }: {
    from: Surroundings;
    fromEnvironment?: FlagTable;
  },
): ReadFlags<T> {
  const defaults = flagDefaults(table, from);
  const typed = parseGoFlags(args, table, { defaults });
  const { variables, problems, notes } = readEnvironment(fromEnvironment, {
    env: from.env,
    given: typed.given,
  });
  const flags = parseGoFlags(args, table, { defaults, variables });
  return {
    ...flags,
    problems: [...flags.problems, ...problems],
    isUnderstood: typed.problems.length === 0,
    notes,
  };
}
