/** How rows are printed, and that nothing in them moves the cursor. */
import { fail, ok, skipped, warn } from "../../../src/probe/row.ts";
import {
  formatJson,
  formatRow,
  formatSummary,
  isGood,
} from "../../../src/probe/table.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const ROWS = [
  ok("one", "fine", { roundTripMs: 1.5 }),
  warn("two", { seen: "so so", advice: "look" }),
  skipped("three", "no need"),
];
const FAILED = fail("four", { seen: "bad", advice: "mend it" });

Deno.test("formatRow() has columns, and what to do in a line of its own", () => {
  assertEquals(
    formatRow(ROWS[0]!),
    "ok       one                      fine\n",
  );
  assertEquals(
    formatRow(FAILED),
    "FAIL     four                     bad\n" +
      "                                  -> mend it\n",
  );
});

Deno.test("formatRow() leaves a stranger's text harmless and in one line", () => {
  const row = formatRow(ok("x", "a\x1b[31mb\nc\u202ed\u2028e"));
  assertEquals(row.trimEnd().split("\n").length, 1);
  for (const wrong of "\x1b\u202e\u2028") assert(!row.includes(wrong));
});

Deno.test("formatSummary() counts, and isGood() minds failures alone", () => {
  assertEquals(formatSummary(ROWS), "1 ok, 1 warn, 1 skipped\n");
  assertEquals(formatSummary([FAILED]), "1 FAIL\n");
  assert(isGood(ROWS));
  assert(!isGood([...ROWS, FAILED]));
});

Deno.test("formatJson() is one object with the rows as they are", () => {
  const text = formatJson("https://a.test", [...ROWS, FAILED], { tookMs: 1.6 });
  const { checks, ...rest } = JSON.parse(text);
  assertEquals(rest, {
    target: "https://a.test",
    ok: false,
    failed: 1,
    warnings: 1,
    tookMs: 2,
  });
  assertEquals(checks[0], {
    check: "one",
    status: "ok",
    seen: "fine",
    measured: { roundTripMs: 1.5 },
  });
  assertEquals(checks[3].advice, "mend it");
});
