/** Rows as text for people, and as JSON for programs. */
import type { Row, Status } from "./row.ts";

/** The longest name of a check fits. */
const CHECK_COLUMNS = 23;
const STATUS_COLUMNS = 7;

/** One row as a line, and what to do as a second one below it. */
export function formatRow({ status, check, seen, advice }: Row): string {
  const first = `${status.padEnd(STATUS_COLUMNS)}  ${
    check.padEnd(CHECK_COLUMNS)
  }  ${seen}`;
  const indent = " ".repeat(STATUS_COLUMNS + CHECK_COLUMNS + 4);
  const second = advice === undefined
    ? ""
    : `${indent}-> ${harmless(advice)}\n`;
  return `${harmless(first)}\n${second}`;
}

/** The last line: how many of each kind. */
export function formatSummary(rows: readonly Row[]): string {
  const parts = STATUSES.map((status) => ({ status, n: count(rows, status) }))
    .filter(({ n }) => n > 0)
    .map(({ status, n }) => `${n} ${status}`);
  return `${parts.join(", ")}\n`;
}

/** One object: the target, whether nothing fails, and the rows as they are. */
export function formatJson(
  target: string,
  rows: readonly Row[],
  { tookMs }: { tookMs: number },
): string {
  return JSON.stringify(
    {
      target,
      ok: isGood(rows),
      failed: count(rows, "FAIL"),
      warnings: count(rows, "warn"),
      tookMs: Math.round(tookMs),
      checks: rows,
    },
    null,
    2,
  ) + "\n";
}

/** Whether no row is a failure. */
export function isGood(rows: readonly Row[]): boolean {
  return count(rows, "FAIL") === 0;
}

const STATUSES: readonly Status[] = ["ok", "warn", "FAIL", "skipped"];

function count(rows: readonly Row[], wanted: Status): number {
  return rows.filter(({ status }) => status === wanted).length;
}

/** Some of it may come from a server, so nothing in it may move the cursor. */
export function harmless(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|[\u2028\u2029]/gu, " ");
}
