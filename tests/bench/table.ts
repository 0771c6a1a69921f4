/** The benchmarks' figures as text. */
import type { Figure } from "./benchmark.ts";
import { median } from "../../src/probe/median.ts";

/** A figure of a benchmark over all rounds, and the same figure of another relay. */
export interface Row extends Figure {
  readonly benchmark: string;
  /** The other relay's, where there is one. */
  readonly against?: number | undefined;
}

/** The medians over the rounds of one benchmark, in the order in which the figures come first. */
export function rowsOf(
  benchmark: string,
  rounds: readonly (readonly Figure[])[],
  against: readonly (readonly Figure[])[] = [],
): Row[] {
  const first = new Map<string, Figure>();
  for (const figure of rounds.flat()) {
    if (!first.has(figure.name)) first.set(figure.name, figure);
  }
  return [...first.values()].map((figure) => ({
    ...figure,
    benchmark,
    value: medianOf(rounds, figure.name),
    against: against.length > 0 ? medianOf(against, figure.name) : undefined,
  }));
}

function medianOf(
  rounds: readonly (readonly Figure[])[],
  name: string,
): number {
  const values = rounds.flat().filter((figure) => figure.name === name);
  return median(values.map((figure) => figure.value));
}

/** Rows as a table with aligned columns; a figure that breaks its promise is marked. */
export function formatTable(rows: readonly Row[]): string {
  const isCompared = rows.some((row) => row.against !== undefined);
  const cells = [[
    ...["benchmark", "figure", "value", "unit", "promised"],
    ...(isCompared ? ["against", "ratio"] : []),
  ]];
  for (const row of rows) {
    const { benchmark, name, value, unit, atMost, against } = row;
    const isKept = atMost === undefined || value <= atMost;
    cells.push([
      ...[benchmark, name, formatNumber(value), unit],
      atMost === undefined ? "" : `<= ${atMost}${isKept ? "" : "  BROKEN"}`,
      ...(against === undefined
        ? []
        : [formatNumber(against), formatNumber(value / against)]),
    ]);
  }
  return alignColumns(cells);
}

/** Three significant digits, and never fewer than the whole part has. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    }
  }
  const isNumber = (cell: string) => /^(-|-?[\d.e+-]+)$/.test(cell);
  return rows.map((row) =>
    row.map((cell, i) =>
      isNumber(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)
    ).join("  ").trimEnd() + "\n"
  ).join("");
}
