/** Which file is what. */
import { readMapFile } from "../../../src/derpmap/map_file.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const REGIONS = { 900: { RegionID: 900 } };

/** The form and the map of a text without mistakes. */
function read(text: string, name = "map") {
  const { file, mistakes } = readMapFile(text, name);
  assertEquals(mistakes, [], text);
  return file;
}

function mistakesOf(text: string, name = "map"): readonly string[] {
  return readMapFile(text, name).mistakes;
}

Deno.test("readMapFile() tells the three forms by what is in them", () => {
  const map = { Regions: REGIONS };
  const acl = { form: "acl", map, path: "derpMap" } as const;
  assertEquals(read(JSON.stringify({ acls: [], derpMap: map })), acl);
  assertEquals(
    read(`\ufeff// a policy\n/* of\nours */ {
\t"derpMap": {"Regions": {"900": {"RegionID": 900,},}}, // here
}\n`),
    acl,
  );
  assertEquals(read(`"derpMap": ${JSON.stringify(map)}`), acl);
  assertEquals(read(`"derpMap": ${JSON.stringify(map)},\n`), acl);
  assertEquals(read(JSON.stringify(map)), { form: "json", map, path: "" });
  const headscale = {
    form: "headscale",
    map: { regions: { 900: { regionid: 900 } } },
    path: "",
  } as const;
  assertEquals(
    read("# ours\nregions:\n  900:\n    regionid: 900\n"),
    headscale,
  );
  assertEquals(read("--- {regions: {900: {regionid: 900}}}\n"), headscale);
});

Deno.test("readMapFile() says where a file is no JSON or no YAML", () => {
  for (
    const [text, expected] of [
      ['{\n  "derpMap": {\n    "Regions" {}\n  }\n}', /^line 3: .* JSON: /],
      ['{"Regions": {', /^the end: .* JSON: .*end/],
      ["[".repeat(200_000), /: this is no YAML: /],
      ['{"a":'.repeat(200_000), /: this is no JSON: /],
      ["regions:\n  900:\n\tregionid: 900\n", /^line 3: .*spaces/],
      ["regions:\n  900:\n  - a: b: c\n", /^line 3: this is no YAML: /],
      ["regions: [\n", /this is no YAML: /],
    ] as const
  ) {
    const [mistake, ...more] = mistakesOf(text);
    assertMatch(mistake ?? "", expected, text.slice(0, 50));
    assertEquals(more, []);
  }
});

Deno.test("readMapFile() says where there is no map", () => {
  for (const text of ["", "# nothing", "[]", "a", "derp:\n  paths: []", "{}"]) {
    assertMatch(mistakesOf(text)[0] ?? "", /^there is no DERP map: /, text);
  }
});

Deno.test("readMapFile() tells names that are there twice, and reads on", () => {
  const json = `{"Regions": {
    "900": {"RegionID": 900, "a": ["a", "a", {"a": "a"}]},
    "901": {"RegionID": 901}, // "901": {
    "900": {"RegionID": 900}
  }}`;
  const { file, mistakes } = readMapFile(json, "map");
  assertEquals(mistakes, ['line 4: "900" is there twice']);
  assert(file !== undefined);
  const yaml = "regions:\n  900:\n    regionid: 900\n  900:\n    a: 1\n";
  const read = readMapFile(yaml, "map");
  assertEquals(read.mistakes, ["line 4: this name is there twice"]);
  assertEquals(read.file?.map, { regions: { 900: { a: 1 } } });
});

Deno.test("readMapFile() says that headscale doesn't read Tailscale's spelling", () => {
  const text = JSON.stringify({ Regions: REGIONS });
  for (
    const quoted of ['regions:\n  "900":\n    a: 1', "regions:\n  '900': {}"]
  ) {
    assertMatch(mistakesOf(quoted)[0] ?? "", /^line 2: .* without quotes$/);
  }
  assertMatch(mistakesOf(text, "derps.yaml")[0] ?? "", /lower case/);
  assertEquals(mistakesOf(text, "derps.json"), []);
  assertEquals(mistakesOf(JSON.stringify({ DERPMap: {} })), [
    "DERPMap: write derpMap",
  ]);
});
