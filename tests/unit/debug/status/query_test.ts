/** The query of the status page. */
import {
  type Column,
  COLUMNS,
  StatusQuery,
} from "../../../../src/debug/status/query.ts";
import { assert, assertEquals } from "../../../support/assert.ts";

function parse(search: string): StatusQuery {
  return StatusQuery.parse(new URLSearchParams(search));
}

Deno.test("StatusQuery.parse() takes what it knows and nothing else", () => {
  const cases: [
    search: string,
    sort: Column,
    isReversed: boolean,
    page: number,
  ][] = [
    ["", "out", false, 1],
    ["sort=node&order=reverse&page=7", "node", true, 7],
    ["sort=__proto__&order=x&page=0", "out", false, 1],
    ["sort=constructor&page=-1", "out", false, 1],
    ["sort=since&page=1e3", "since", false, 1],
    ["sort=since&page=9999999", "since", false, 1],
    ["sort=queue&sort=node&page=999999", "queue", false, 999_999],
  ];
  for (const [search, sort, isReversed, page] of cases) {
    const query = parse(search);
    assertEquals(
      [query.sort, query.isReversed, query.page],
      [sort, isReversed, page],
      search,
    );
  }
});

Deno.test("StatusQuery has names from A to Z and numbers from the largest", () => {
  assert(parse("sort=node").isAscending);
  assert(!parse("sort=node&order=reverse").isAscending);
  assert(!parse("sort=queue").isAscending);
  assert(parse("sort=queue&order=reverse").isAscending);
});

Deno.test("StatusQuery's links lead to what they say, and carry the debug key", () => {
  assertEquals(parse("").link("/debug/"), "/debug/");
  const query = parse("sort=queue&order=reverse&page=3&debugkey=a%26b");
  assertEquals(
    query.link("/debug/"),
    "/debug/?sort=queue&order=reverse&page=3&debugkey=a%26b",
  );
  assertEquals(query.plainLink("/debug/varz"), "/debug/varz?debugkey=a%26b");
  assertEquals(
    query.onPage(1).link("/debug/"),
    "/debug/?sort=queue&order=reverse&debugkey=a%26b",
  );
  assertEquals(
    query.sortedBy("queue").link("/debug/"),
    "/debug/?sort=queue&debugkey=a%26b",
  );
  for (const column of COLUMNS) {
    const search = query.sortedBy(column).link("/debug/").split("?")[1] ?? "";
    assertEquals(parse(search).sort, column);
    assert(!parse(search).isReversed, column);
  }
  assert(parse("sort=node").sortedBy("node").isReversed);
});
