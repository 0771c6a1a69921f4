/** The part of `@std/cli/parse-args` that is used here; its npm edition has no types. */
export function parseArgs(
  args: readonly string[],
  options: {
    readonly boolean: readonly string[];
    readonly string: readonly string[];
    readonly collect: readonly string[];
    readonly default: Readonly<Record<string, string | boolean>>;
  },
): Readonly<Record<string, unknown>>;
