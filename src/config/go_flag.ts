/**
 * Go's flag syntax in front of `@std/cli`: `-x v`, `-x=v`, `--x`, booleans
 * without a separate value, everything else an error. `parseArgs` then gets
 * plain `--name=value` and settles what is given twice, once or not at all.
 */
// @ts-types="./parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { parseGoDuration } from "./go_duration.ts";
import { parseGoBool, parseGoFloat, parseGoInt } from "./go_number.ts";
import type { Surroundings } from "./surroundings.ts";

/** Types of Go's flag package, by the name that `-h` shows. */
export type FlagType = "bool" | "int" | "float" | "string" | "duration";

/** One row of a flag table. */
export interface FlagSpec {
  readonly type: FlagType;
  /** As one would type it. */
  readonly default: string | ((from: Surroundings) => string);
  readonly help: string;
  /** Known by name, and refused; this is why. */
  readonly unsupported?: string;
  /** derper doesn't have it. */
  readonly ours?: true;
  /** The value is never shown. */
  readonly secret?: true;
  /** Each time it is given adds a text, where others keep the last one alone; an empty text adds none. */
  readonly repeats?: true;
}

/** Shown in place of a secret. */
export const HIDDEN = "(hidden)";

/** Flags by name, without dashes. */
export type FlagTable = Readonly<Record<string, FlagSpec>>;

type ValueOf<S extends FlagSpec> = S extends { readonly repeats: true }
  ? readonly string[]
  : S["type"] extends "bool" ? boolean
  : S["type"] extends "string" ? string
  : number;

/** A value for each supported flag; durations in milliseconds. */
export type FlagValues<T extends FlagTable> = {
  readonly [
    N in keyof T as T[N] extends { readonly unsupported: string } ? never : N
  ]: ValueOf<T[N]>;
};

/** A value as an operator gave it: under which name, and what may be shown of it. */
export interface GivenFlag {
  /** `-name`, or the name of a variable. */
  readonly label: string;
  /** Quoted, or a placeholder for a secret; all of them where a flag adds them up. */
  readonly shown: string;
}

/** What flags have in place of a value on the command line. */
export interface FlagSources {
  readonly defaults: ReadonlyMap<string, string>;
  /** Settings from the environment by flag; one on the command line comes before them. */
  readonly variables?: ReadonlyMap<string, FlagVariable>;
}

/** A variable of the environment that sets a flag. */
export interface FlagVariable {
  readonly name: string;
  readonly value: string;
}

/** A command line as read; with problems, `values` is only good for finding more of them. */
export interface ParsedFlags<T extends FlagTable> {
  readonly values: FlagValues<T>;
  /** The flags with a value of the operator's, and what counts of it. */
  readonly given: ReadonlyMap<string, GivenFlag>;
  readonly problems: readonly string[];
  /** `-h` or `-help` came before any problem; nothing behind it was read. */
  readonly help: boolean;
}

/** What `-h` shows as defaults and what holds for flags that aren't given. */
export function flagDefaults(
  table: FlagTable,
  from: Surroundings,
): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(table).map(([name, { default: value }]) => [
      name,
      typeof value === "string" ? value : value(from),
    ]),
  );
}

/** A problem with the value of a flag; `why` says what would be right. */
export function invalid({ label, shown }: GivenFlag, why: string): string {
  return `Invalid ${label} ${shown}: ${why}`;
}

/** Reads `args` as Go's flag package does, but goes on after a problem to find all of them. */
export function parseGoFlags<T extends FlagTable>(
  args: readonly string[],
  table: T,
  { defaults, variables }: FlagSources,
): ParsedFlags<T> {
  const reader = new FlagReader(args, table);
  reader.readArguments();
  if (variables) reader.readVariables(variables);
  const names = (wanted: (type: FlagType) => boolean) =>
    Object.keys(table).filter((name) => wanted(table[name]!.type));
  const parsed = parseArgs(reader.settings, {
    boolean: names((type) => type === "bool"),
    string: names((type) => type !== "bool"),
    collect: Object.keys(table).filter((name) => table[name]!.repeats),
    default: Object.fromEntries(
      [...defaults].map(([name, value]) => [
        name,
        table[name]!.type === "bool" ? value === "true" : value,
      ]),
    ),
  });
  const values: Record<string, unknown> = {};
  for (const [name, { type, repeats }] of Object.entries(table)) {
    values[name] = repeats
      ? [parsed[name]].flat().filter((text) => text !== "")
      : convert(type, parsed[name]);
  }
  return {
    values: values as FlagValues<T>,
    given: reader.given,
    problems: reader.problems,
    help: reader.help,
  };
}

/** What somebody may call a flag for a secret, which are in files. */
const SECRET_NAME = /key|secret|token|password/i;

/** Takes the arguments and the variables one by one and turns them into settings and problems. */
class FlagReader {
  readonly #queue: string[];
  readonly #table: FlagTable;
  readonly given = new Map<string, GivenFlag>();
  readonly problems: string[] = [];
  /** `--name=value` of every flag whose value is of its type, in order. */
  readonly settings: string[] = [];
  help = false;

  constructor(args: readonly string[], table: FlagTable) {
    this.#queue = [...args];
    this.#table = table;
  }

  readArguments(): void {
    while (this.#queue.length > 0 && !this.help) {
      const arg = this.#queue.shift()!;
      if (arg === "--") {
        this.#queue.splice(0).forEach((rest) => this.#unexpected(rest));
      } else if (arg.startsWith("-") && arg.length > 1) {
        this.#readFlag(arg);
      } else {
        this.#unexpected(arg);
      }
    }
  }

  /** Comes after the arguments, which it leaves alone. */
  readVariables(variables: ReadonlyMap<string, FlagVariable>): void {
    for (const [flag, { name, value }] of variables) {
      if (!this.given.has(flag)) this.#set(flag, { label: name, value });
    }
  }

  /** Go's parser stops here, and derper ignores the argument and all flags behind it. */
  #unexpected(arg: string): void {
    const advice = parseGoBool(arg) === undefined
      ? "there is no flag before it that takes it"
      : `a boolean flag takes its value as in -stun=${arg}`;
    this.problems.push(
      `Unexpected argument ${JSON.stringify(arg)}: ${advice}`,
    );
  }

  #readFlag(arg: string): void {
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg);
    if (match === null) {
      this.problems.push(`Bad flag syntax ${JSON.stringify(arg)}`);
      return;
    }
    const [, name = "", attached] = match;
    const known = Object.hasOwn(this.#table, name);
    if (!known && (name === "h" || name === "help")) {
      this.help = this.problems.length === 0; // as in Go, the first to come decides
    } else if (!known) {
      this.#unknown(name, attached ?? this.#takeOperand());
    } else {
      this.#setFromArgument(name, attached);
    }
  }

  #setFromArgument(name: string, attached: string | undefined): void {
    const isBool = this.#table[name]!.type === "bool";
    const value = attached ?? (isBool ? "true" : this.#queue.shift());
    const label = `-${name}`;
    if (value === undefined) {
      this.problems.push(`Flag ${label} needs a value, as in ${label}=VALUE`);
    } else {
      this.#set(name, { label, value });
    }
  }

  /** The next argument unless it looks like a flag: the value of a flag whose type nobody knows. */
  #takeOperand(): string | undefined {
    return this.#queue[0]?.startsWith("-") ? undefined : this.#queue.shift();
  }

  #unknown(name: string, value: string | undefined): void {
    const flag = JSON.stringify(`-${name}`);
    const shown = SECRET_NAME.test(name) ? HIDDEN : JSON.stringify(value);
    const given = value === undefined ? "" : ` with ${shown}`;
    this.problems.push(`Unknown flag ${flag}${given}`);
  }

  #give(name: string, { label, shown }: GivenFlag): void {
    const before = this.#table[name]!.repeats && this.given.get(name);
    const all = before ? `${before.shown}, ${shown}` : shown;
    this.given.set(name, { label, shown: all });
  }

  #set(name: string, from: { label: string; value: string }): void {
    const { type, unsupported, secret, default: standard } = this.#table[name]!;
    const { label, value } = from;
    const shown = secret ? HIDDEN : JSON.stringify(value);
    this.#give(name, { label, shown });
    const text = type === "bool" ? parseGoBool(value)?.toString() : value;
    if (unsupported !== undefined) {
      if (text === standard) return; // nothing is asked for
      this.problems.push(`Unsupported ${label} ${shown}: ${unsupported}`);
    } else if (text !== undefined && convert(type, text) !== undefined) {
      this.settings.push(`--${name}=${text}`);
    } else {
      this.problems.push(invalid({ label, shown }, `it takes ${TAKES[type]}`));
      // Whatever "-dev=yes" meant, it was not the default: so other flags are judged as intended.
      if (type === "bool") {
        this.settings.push(`--${name}=${standard === "false"}`);
      }
    }
  }
}

const TAKES: Readonly<Record<FlagType, string>> = {
  bool: "true or false",
  int: "a whole number",
  float: "a number",
  string: "text",
  duration: "a duration such as 15s or 10m0s",
};

/** The value of `text` as its flag has it; undefined where it is none. */
function convert(type: FlagType, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (type === "int") return parseGoInt(value);
  if (type === "float") return parseGoFloat(value);
  return type === "duration" ? parseGoDuration(value) : value;
}
