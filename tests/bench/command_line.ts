/** What `deno task bench` and `deno task soak` are asked for. */

/** A mistake in the arguments. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Arguments of the form `-name value`, and the rest. */
export interface Arguments {
  readonly values: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
}

/** @throws UsageError for a flag that isn't among `flags`, or has no value */
export function parseArguments(
  args: readonly string[],
  flags: readonly string[],
): Arguments {
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("-")) {
      rest.push(arg);
      continue;
    }
    const name = arg.replace(/^--?/, "");
    const value = args[++i];
    if (!flags.includes(name)) {
      const known = flags.map((flag) => `-${flag}`).join(", ");
      throw new UsageError(`Unknown flag "${arg}"; there are ${known}`);
    }
    if (value === undefined) throw new UsageError(`${arg} needs a value`);
    values.set(name, value);
  }
  return { values, rest };
}

/** The number after a flag. @throws UsageError where it isn't one above 0 */
export function positive(
  { values }: Arguments,
  name: string,
  byDefault: number,
): number {
  const text = values.get(name);
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`-${name} "${text}" is not a number above 0`);
}

/** The words of a relay's command; by default this tree's program. */
export function relayCommand(text: string | undefined): string[] {
  const words = text?.split(/\s+/).filter(Boolean) ?? [];
  if (words.length > 0) return words;
  const main = new URL("../../main.ts", import.meta.url).pathname;
  return [Deno.execPath(), "run", "-q", "-P=relay", main];
}
