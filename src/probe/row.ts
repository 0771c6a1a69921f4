/** What a check has found: a row of the table that `derper probe` prints. */

/** `FAIL` is what keeps clients from using the relay, and makes the exit code 1. */
export type Status = "ok" | "warn" | "FAIL" | "skipped";

/** One row. Texts may hold what a stranger's server said; the printer makes them harmless. */
export interface Row {
  /** What was looked at, in a few words. */
  readonly check: string;
  readonly status: Status;
  /** What was seen there. */
  readonly seen: string;
  /** What to do, for `warn` and `FAIL`. */
  readonly advice?: string;
  /** What was measured, for programs that read the rows. */
  readonly measured?: Measured;
}

/** Numbers by name, with the unit in it. */
export type Measured = Readonly<Record<string, number>>;

/** For people: a tenth is enough. */
export function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** All is well. */
export function ok(check: string, seen: string, measured?: Measured): Row {
  return { check, status: "ok", seen, ...measured && { measured } };
}

/** It works, and somebody should look at it. */
export function warn(
  check: string,
  { seen, advice, measured }: Omit<Row, "check" | "status">,
): Row {
  return {
    check,
    status: "warn",
    seen,
    ...advice !== undefined && { advice },
    ...measured && { measured },
  };
}

/** It doesn't work. */
export function fail(
  check: string,
  from: { readonly seen: string; readonly advice: string },
): Row {
  return { check, status: "FAIL", seen: from.seen, advice: from.advice };
}

/** It couldn't be looked at, or need not be; `why` says so. */
export function skipped(check: string, why: string): Row {
  return { check, status: "skipped", seen: why };
}

/** Skips all of `checks` for one reason. */
export function skipAll(checks: readonly string[], why: string): Row[] {
  return checks.map((check) => skipped(check, why));
}
