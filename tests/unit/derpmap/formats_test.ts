/** The three forms of a map. */
import {
  aclText,
  headscaleText,
  jsonText,
  type OneNodeRegion,
} from "../../../src/derpmap/formats.ts";
import { readMapFile } from "../../../src/derpmap/map_file.ts";
import { derpNode } from "../../../src/derpmap/node.ts";
import { assertEquals, assertStringIncludes } from "../../support/assert.ts";

const REGION: OneNodeRegion = {
  id: 900,
  code: "myderp",
  name: "Our relay",
  node: derpNode({
    hostname: "derp.example.com",
    derpPort: 8443,
    stunPort: undefined,
  }, {
    name: "900a",
    regionId: 900,
    ipv4: "203.0.113.7",
    canPort80: true,
  }),
};

const NODE = {
  Name: "900a",
  RegionID: 900,
  HostName: "derp.example.com",
  IPv4: "203.0.113.7",
  STUNPort: -1,
  DERPPort: 8443,
  CanPort80: true,
};
const REGIONS = {
  900: {
    RegionID: 900,
    RegionCode: "myderp",
    RegionName: "Our relay",
    Nodes: [NODE],
  },
};

/** All names in lower case, as headscale wants them. */
function lower(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lower);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map((
      [name, part],
    ) => [name.toLowerCase(), lower(part)]),
  );
}

Deno.test("aclText() is a member of a policy, which is JSON", () => {
  assertEquals(JSON.parse(aclText(REGION)), {
    derpMap: { OmitDefaultRegions: false, Regions: REGIONS },
  });
});

Deno.test("jsonText() is a map by itself", () => {
  assertEquals(JSON.parse(jsonText(REGION)), { Regions: REGIONS });
});

Deno.test("headscaleText() is YAML with the names in lower case", () => {
  const text = headscaleText(REGION);
  assertEquals(
    text,
    `regions:
  900:
    regionid: 900
    regioncode: myderp
    regionname: "Our relay"
    nodes:
      - name: "900a"
        regionid: 900
        hostname: derp.example.com
        ipv4: "203.0.113.7"
        stunport: -1
        derpport: 8443
        canport80: true
`,
  );
  const { file, mistakes } = readMapFile(text, "derp.yaml");
  assertEquals(mistakes, []);
  assertEquals(file, {
    form: "headscale",
    map: lower({ Regions: REGIONS }) as Record<string, unknown>,
    path: "",
  });
});

Deno.test("headscaleText() keeps every text a text", () => {
  const texts = [
    ...["no", "Yes", "null", "~", "1e5", "0x10", "900", "12:30", "a: b", "- a"],
    ...[
      "a #b",
      '"',
      "'",
      "\\",
      "é\u0085\u2028",
      "\u{1f600}",
      "<<",
      "a.b-c",
      "*a",
    ],
    ...[" a ", "{}", "!a", "%", "@a", "2024-01-01", ".inf", "\ufeffa"],
  ];
  for (const text of texts) {
    const written = headscaleText({ ...REGION, name: text });
    const { file } = readMapFile(written, "derp.yaml");
    const regions = file?.map["regions"] as Record<
      string,
      Record<string, unknown>
    >;
    assertEquals(regions["900"]?.["regionname"], text, written);
  }
});

Deno.test("headscaleText() and the others never say InsecureForTests", () => {
  for (
    const text of [aclText(REGION), jsonText(REGION), headscaleText(REGION)]
  ) {
    assertEquals(text.match(/insecure/i), null);
    assertStringIncludes(text, "derp.example.com");
  }
});
