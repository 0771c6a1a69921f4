/** What the rules find out about a command line. */
import type { FLAGS } from "./flags.ts";
import {
  type FlagTable,
  type FlagValues,
  type GivenFlag,
  HIDDEN,
  invalid,
  type ParsedFlags,
} from "./go_flag.ts";

type FlagName<T extends FlagTable> = keyof FlagValues<T> & string;

/** The values of the flags of a table, and a list of problems and one of notes that the rules fill. */
export class Findings<T extends FlagTable = typeof FLAGS> {
  readonly problems: string[] = [];
  readonly notes: string[] = [];
  readonly values: FlagValues<T>;
  readonly #given: ReadonlyMap<string, GivenFlag>;

  constructor(flags: ParsedFlags<T>) {
    this.values = flags.values;
    this.#given = flags.given;
  }

  /** Whether the operator gave `flag` a value, also that of its default. */
  isGiven(flag: FlagName<T>): boolean {
    return this.#given.has(flag);
  }

  /** Notes the mistake that the value of `flag` has, if any. */
  check(flag: FlagName<T>, mistake: string | undefined): void {
    if (mistake === undefined) return;
    this.problems.push(invalid(this.#givenOrDefault(flag), mistake));
  }

  /** The same for a value that must not be shown. */
  checkSecret(flag: FlagName<T>, mistake: string): void {
    const { label } = this.#givenOrDefault(flag);
    this.problems.push(invalid({ label, shown: HIDDEN }, mistake));
  }

  /** Notes those of `flags` that are given: harmless for derper and so for us, but not what the operator thinks. */
  unused(why: string, ...flags: readonly FlagName<T>[]): void {
    for (const flag of flags) {
      const given = this.#given.get(flag);
      if (given === undefined) continue;
      this.notes.push(`${given.label} ${given.shown} has no effect ${why}`);
    }
  }

  #givenOrDefault(flag: FlagName<T>): GivenFlag {
    const value = JSON.stringify(String(this.values[flag]));
    return this.#given.get(flag) ?? { label: `-${flag}`, shown: value };
  }
}
