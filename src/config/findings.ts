/** What the rules find out about a command line. */
import type { FLAGS } from "./flags.ts";
import {
  type FlagValues,
  type GivenFlag,
  invalid,
  type ParsedFlags,
} from "./go_flag.ts";

/** A value for each flag. */
export type Values = FlagValues<typeof FLAGS>;

/** The values of the flags, and a list of problems and one of notes that the rules fill. */
export class Findings {
  readonly problems: string[] = [];
  readonly notes: string[] = [];
  readonly values: Values;
  readonly #given: ReadonlyMap<string, GivenFlag>;

  constructor(flags: ParsedFlags<typeof FLAGS>) {
    this.values = flags.values;
    this.#given = flags.given;
  }

  /** Whether the operator gave `flag` a value, also that of its default. */
  isGiven(flag: keyof Values): boolean {
    return this.#given.has(flag);
  }

  /** Notes the mistake that the value of `flag` has, if any. */
  check(flag: keyof Values, mistake: string | undefined): void {
    if (mistake === undefined) return;
    const given = this.#given.get(flag) ??
      { label: `-${flag}`, shown: JSON.stringify(String(this.values[flag])) };
    this.problems.push(invalid(given, mistake));
  }

  /** Notes those of `flags` that are given: harmless for derper and so for us, but not what the operator thinks. */
  unused(why: string, ...flags: readonly (keyof Values)[]): void {
    for (const flag of flags) {
      const given = this.#given.get(flag);
      if (given === undefined) continue;
      this.notes.push(`${given.label} ${given.shown} has no effect ${why}`);
    }
  }
}
