/** Medians and the table of figures. */
import { median } from "../../../src/probe/median.ts";
import { formatNumber, formatTable, rowsOf } from "../../bench/table.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("median() is the middle by size, not by order of text", () => {
  assertEquals(median([10, 9, 100]), 10);
  assertEquals(median([4, 1]), 2.5);
  assertEquals(median([7]), 7);
  assertEquals(median([]), NaN);
});

Deno.test("rowsOf() takes medians over rounds, and the other relay's", () => {
  const round = (value: number) => [{ name: "p99", value, unit: "ms" }];
  assertEquals(
    rowsOf("x", [round(1), round(9), round(2)], [round(4), round(8)]),
    [{ benchmark: "x", name: "p99", value: 2, unit: "ms", against: 6 }],
  );
});

Deno.test("rowsOf() has a figure that came in one round only", () => {
  const rounds = [[], [{ name: "p99", value: 3, unit: "ms" }]];
  assertEquals(rowsOf("x", rounds).map((row) => row.value), [3]);
});

Deno.test("formatTable() aligns columns and marks a promise that is not kept", () => {
  const rows = rowsOf("mesh", [[
    { name: "kept", value: 1, unit: "x", atMost: 1.2 },
    { name: "not kept", value: 12.34, unit: "x", atMost: 1.2 },
  ]]);
  assertEquals(
    formatTable(rows),
    `benchmark  figure    value  unit  promised
mesh       kept          1  x     <= 1.2
mesh       not kept   12.3  x     <= 1.2  BROKEN
`,
  );
});

Deno.test("formatTable() marks a promise whose figure is no number", () => {
  const rows = rowsOf("x", [[{ name: "f", value: NaN, unit: "", atMost: 1 }]]);
  assert(formatTable(rows).includes("BROKEN"));
});

Deno.test("formatTable() shows the other relay and the ratio", () => {
  const [row] = rowsOf("x", [[{ name: "f", value: 1, unit: "ms" }]], [
    [{ name: "f", value: 4, unit: "ms" }],
  ]);
  const [head, line] = formatTable([row!]).split("\n");
  assertEquals(head?.split(/ +/).slice(-2), ["against", "ratio"]);
  assertEquals(line?.split(/ +/).slice(-2), ["4", "0.25"]);
});

Deno.test("formatNumber() keeps three digits, and all before the point", () => {
  const texts = [0.012345, 1.5, 99.96, 12345.6, 0, NaN].map(formatNumber);
  assertEquals(texts, ["0.0123", "1.5", "100", "12346", "0", "-"]);
});
