/** Every mistake that a file with a map may have. */
import { checkAddresses } from "../../../src/derpmap/check_addresses.ts";
import { checkMap } from "../../../src/derpmap/check_map.ts";
import { checkRelay } from "../../../src/derpmap/check_relay.ts";
import { readMapFile } from "../../../src/derpmap/map_file.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const NODE = {
  Name: "900a",
  RegionID: 900,
  HostName: "derp.example.com",
  IPv4: "203.0.113.7",
  STUNPort: 3478,
  DERPPort: 443,
};
const REGION = {
  RegionID: 900,
  RegionCode: "myderp",
  RegionName: "Ours",
  Nodes: [NODE],
};

function checked(map: unknown): string[] {
  const { file, mistakes } = readMapFile(JSON.stringify(map), "map");
  assert(file !== undefined, mistakes.join());
  const all = [...mistakes];
  checkMap(file, all);
  return all;
}

/** The mistakes of a map with one region with one node; what is undefined is left out. */
function ofNode(change: Record<string, unknown>): string[] {
  return ofRegion({ Nodes: [{ ...NODE, ...change }] });
}

function ofRegion(change: Record<string, unknown>): string[] {
  return checked({ Regions: { 900: { ...REGION, ...change } } });
}

const AT = "Regions.900.Nodes[0]";

Deno.test("checkMap() finds nothing in a good map", () => {
  assertEquals(ofNode({}), []);
  assertEquals(
    ofNode({
      CertName: `sha256-raw:${"0a".repeat(32)}`,
      IPv6: "none",
      STUNPort: -1,
      STUNOnly: false,
      DERPPort: 30443,
      CanPort80: true,
    }),
    [],
  );
  assertEquals(ofNode({ DERPPort: undefined, STUNPort: undefined }), []);
  assertEquals(
    checked({
      derpMap: {
        OmitDefaultRegions: true,
        Regions: { 1: null, 900: { ...REGION, Latitude: 1.5, Avoid: false } },
      },
    }),
    [],
  );
  assertEquals(
    checked({ omitDefaultRegions: true, Regions: { 900: REGION } }),
    [],
  );
});

Deno.test("checkMap() tells what is no host name, and what to write", () => {
  for (
    const [name, expected] of [
      ["https://derp.a.com", /: leave out https:\/\/, write "derp\.a\.com"$/],
      ["http://a.com:8443/derp", /write "a\.com"; the port has a field/],
      ["derp.a.com:443", /write "derp\.a\.com"; the port has a field/],
      ["derp.a.com/derp", /write "derp\.a\.com"$/],
      ["[2001:db8::1]", /write "2001:db8::1"$/],
      ["[2001:db8::1]:443", /write "2001:db8::1"; the port/],
      [" derp.a.com", /write "derp\.a\.com"$/],
      ["a b", /no host name and no IP address$/],
      ["1.2.3", /no host name/],
      ["*.a.com", /no host name/],
      ["", /: it is missing/],
      [undefined, /: it is missing/],
    ] as const
  ) {
    const [mistake, ...more] = ofNode({ HostName: name, IPv4: undefined });
    assertMatch(mistake ?? "", expected, name);
    assert(mistake!.startsWith(`${AT}.HostName: `), mistake);
    assertEquals(more, []);
  }
});

Deno.test("checkMap() tells ports that are none, mixed up, or forgotten", () => {
  for (
    const [ports, expected] of [
      [{ DERPPort: 0 }, [/DERPPort: 0 means 443/]],
      [{ STUNPort: 0 }, [/STUNPort: 0 means 3478, .* -1/]],
      [{ DERPPort: -1 }, [/DERPPort: -1 is no port/]],
      [{ STUNPort: -2 }, [/STUNPort: -2 is no port/]],
      [{ DERPPort: 65536 }, [/DERPPort: 65536 is no port/]],
      [{ STUNPort: 70000 }, [/STUNPort: 70000 is no port/]],
      [{ DERPPort: 80 }, [/DERPPort: 80 is the port of plain HTTP/]],
      [{ DERPPort: 3478, STUNPort: 443 }, [/mixed up/]],
      [{ DERPPort: 3478 }, [/mixed up/]],
      [{ STUNPort: 443 }, [/mixed up/]],
      [{ DERPPort: "8443" }, [/DERPPort: "8443" is not a whole number/]],
      [{ DERPPort: 1.5 }, [/DERPPort: 1\.5 is not a whole number/]],
      [{ DERPPort: undefined, STUNPort: 16667 }, [
        /DERPPort: it is missing and so 443, with STUNPort 16667/,
      ]],
      [{ DERPPort: 8443, STUNPort: undefined }, [
        /STUNPort: it is missing and so 3478/,
      ]],
    ] as const
  ) {
    const mistakes = ofNode(ports);
    const what = JSON.stringify(ports);
    assertEquals(mistakes.length, expected.length, what + mistakes.join());
    for (const [at, pattern] of expected.entries()) {
      assertMatch(mistakes[at]!, pattern);
    }
  }
});

Deno.test("checkMap() tells addresses that are none, or private", () => {
  for (
    const [change, expected] of [
      [{ IPv4: "203.0.113" }, /IPv4: "203\.0\.113" is no IPv4 address/],
      [{ IPv4: "2001:db8::1" }, /IPv4: .* is no IPv4 address/],
      [{ IPv6: "203.0.113.7" }, /IPv6: .* is no IPv6 address/],
      [{ IPv6: "fe80::1%eth0" }, /IPv6: .* is no IPv6 address/],
      [{ IPv4: "192.168.1.2" }, /IPv4: 192\.168\.1\.2 is private/],
      [{ IPv4: "100.64.0.1" }, /IPv4: 100\.64\.0\.1 is private/],
      [{ IPv6: "fd00::1" }, /IPv6: fd00::1 is private/],
      [{ HostName: "10.0.0.1", IPv4: "10.0.0.1" }, /HostName: .* is private/],
      [{ IPv4: "none", IPv6: "none" }, /nobody can reach it/],
    ] as const
  ) {
    const mistakes = ofNode(change);
    assertEquals(mistakes.length, 1, mistakes.join());
    assertMatch(mistakes[0]!, expected);
  }
});

Deno.test("checkMap() tells regions with wrong numbers and names", () => {
  const codeless = { ...REGION, RegionCode: undefined, RegionName: "" };
  assertEquals(checked({ Regions: { 900: codeless } }), [
    "Regions.900.RegionCode: it is missing",
    "Regions.900.RegionName: it is missing",
  ]);
  for (const id of [1, 899, 1000]) {
    const nodes = [{ ...NODE, RegionID: id }];
    const [mistake, ...more] = checked({
      Regions: { [id]: { ...REGION, RegionID: id, Nodes: nodes } },
    });
    assertMatch(mistake ?? "", /^Regions\.\d+: .* from 900 to 999/);
    assertEquals(more, []);
  }
  assertEquals(ofRegion({ RegionID: 901 }), [
    "Regions.900.RegionID: 901 is not 900, as the region",
  ]);
  assertEquals(ofRegion({ RegionID: undefined }), [
    "Regions.900.RegionID: it is missing, write 900",
  ]);
  assertEquals(ofNode({ RegionID: undefined }), [
    `${AT}.RegionID: it is missing, write 900`,
  ]);
  assertEquals(ofNode({ RegionID: 901, Name: "" }), [
    `${AT}.Name: it is missing`,
    `${AT}.RegionID: 901 is not that of its region, 900`,
  ]);
  assertMatch(
    checked({ Regions: { home: REGION } })[0] ?? "",
    /^Regions\.home: a region is called by its number/,
  );
});

Deno.test("checkMap() tells maps without regions, and regions without nodes", () => {
  for (const regions of [undefined, null, {}, [], "x", 7]) {
    const [mistake] = checked({ derpMap: { Regions: regions } });
    assertMatch(mistake ?? "", /^derpMap\.Regions: there is none/);
  }
  assertEquals(checked({ Regions: { 1: null, 900: null } }), [
    "Regions.900: it is empty",
  ]);
  for (const region of [7, "x", []]) {
    assertMatch(
      checked({ Regions: { 900: region } })[0] ?? "",
      /^Regions\.900: .* is no region/,
    );
  }
  for (const nodes of [undefined, null, [], {}, "x", [7]]) {
    const [mistake, ...more] = ofRegion({ Nodes: nodes });
    assertMatch(mistake ?? "", /^Regions\.900\.Nodes(?:\[0\])?: /);
    assertEquals(more, []);
  }
});

Deno.test("checkMap() tells names that are there twice", () => {
  const other = {
    ...REGION,
    RegionID: 901,
    Nodes: [
      { ...NODE, RegionID: 901 },
      { ...NODE, RegionID: 901, Name: "901b" },
    ],
  };
  assertEquals(checked({ Regions: { 900: REGION, 901: other } }), [
    'Regions.901.RegionCode: "myderp" is that of Regions.900 already',
    'Regions.901.RegionName: "Ours" is that of Regions.900 already',
    `Regions.901.Nodes[0].Name: "900a" is that of ${AT} already`,
  ]);
});

Deno.test("checkMap() tells fields that nobody reads, and what they are called", () => {
  const { HostName, ...rest } = NODE;
  for (const name of ["Hostname", "host_name", "Ho,stName"]) {
    assertEquals(ofRegion({ Nodes: [{ ...rest, [name]: HostName }] }), [
      `${AT}.${name}: write HostName`,
    ]);
  }
  const [mistake] = ofNode({ Port: 443 });
  assertMatch(mistake ?? "", /\.Port: there is no such field, .*, DERPPort,/);
  const headscale = {
    regions: {
      900: {
        regionid: 900,
        regioncode: 1,
        RegionName: "Ours",
        nodes: [{ name: 900, regionid: 900, hostname: "a.com", DERPPort: 1 }],
      },
    },
  };
  assertEquals(checked(headscale), [
    "regions.900.RegionName: write regionname",
    "regions.900.nodes[0].DERPPort: write derpport",
    "regions.900.nodes[0].stunport: it is missing and so 3478, with derpport 1; write it if that is right",
  ]);
});

Deno.test("checkMap() tells fields of tests, wrong types and wrong pins", () => {
  for (
    const [change, expected] of [
      [{ InsecureForTests: true }, /InsecureForTests: .*leave it out/],
      [{ STUNTestIP: "127.0.0.1" }, /STUNTestIP: .*leave it out/],
      [{ CanPort80: "yes" }, /CanPort80: "yes" is not true or false/],
      [{ Name: 7 }, /Name: 7 is not text/],
      [{ CertName: `sha256-raw:${"0A".repeat(32)}` }, /CertName: .*lower case/],
      [{ CertName: "sha256-raw:00" }, /CertName: .*64 hexadecimal/],
      [{ CertName: "https://a" }, /CertName: .*leave out https/],
    ] as const
  ) {
    assertMatch(ofNode(change)[0] ?? "", expected);
  }
  assertEquals(
    checked({ derpMap: { OmitDefaultRegions: "true", Regions: { 1: null } } }),
    [
      'derpMap.OmitDefaultRegions: "true" is not true or false without quotes',
    ],
  );
});

Deno.test("checkMap() gives up on maps that are larger than any", () => {
  const many = Array.from({ length: 5000 }, () => "*a").join(",");
  const yaml = `regions:\n  900:\n    nodes: [&a {name: a},${many}]\n`;
  const { file } = readMapFile(yaml, "map");
  const mistakes: string[] = [];
  checkMap(file!, mistakes);
  assertMatch(mistakes.at(-1) ?? "", /only 1000 nodes are checked/);
});

const DNS: Readonly<Record<string, readonly string[]>> = {
  "derp.example.com": ["203.0.113.7", "2001:db8::7"],
  "v4.example.com": ["203.0.113.7"],
};

async function addressMistakes(
  change: Record<string, unknown>,
): Promise<string[]> {
  const text = JSON.stringify({
    Regions: { 900: { ...REGION, Nodes: [{ ...NODE, ...change }] } },
  });
  const mistakes: string[] = [];
  const { nodes } = checkMap(readMapFile(text, "map").file!, mistakes);
  assertEquals(mistakes, []);
  await checkAddresses(nodes, (name) => {
    if (name === "broken.example.com") return Promise.reject(new Error("down"));
    return Promise.resolve(DNS[name] ?? []);
  });
  return mistakes;
}

Deno.test("checkAddresses() compares names with addresses, and says both", async () => {
  const good = [
    { IPv6: "2001:0db8:0::0007" },
    { IPv4: "none" },
    { IPv4: undefined },
    { HostName: "203.0.113.7" },
    { HostName: "203.0.113.7", IPv6: "2001:db8::1" },
  ];
  for (const change of good) assertEquals(await addressMistakes(change), []);
  assertEquals(await addressMistakes({ IPv4: "203.0.113.8" }), [
    `${AT}.IPv4: "derp.example.com" resolves to 203.0.113.7, not to 203.0.113.8`,
  ]);
  assertEquals(
    await addressMistakes({ HostName: "v4.example.com", IPv6: "2001:db8::7" }),
    [
      `${AT}.IPv6: "v4.example.com" resolves to 203.0.113.7 alone, not to 2001:db8::7`,
    ],
  );
  assertEquals(await addressMistakes({ HostName: "none.example.com" }), [
    `${AT}.HostName: "none.example.com" doesn't resolve`,
  ]);
  assertEquals(await addressMistakes({ HostName: "broken.example.com" }), [
    `${AT}.HostName: "broken.example.com" can't be looked up here: down`,
  ]);
  assertEquals(await addressMistakes({ HostName: "203.0.113.8" }), [
    `${AT}.IPv4: 203.0.113.7 is not HostName 203.0.113.8`,
  ]);
});

Deno.test("checkRelay() compares the ports with those of the relay", () => {
  const compare = (
    change: Record<string, unknown>,
    relay: { hostname?: string; derpPort?: number; stunPort?: number },
  ) => {
    const text = JSON.stringify({
      Regions: { 900: { ...REGION, Nodes: [{ ...NODE, ...change }] } },
    });
    const mistakes: string[] = [];
    const { nodes } = checkMap(readMapFile(text, "map").file!, mistakes);
    checkRelay(nodes, {
      hostname: "DERP.example.com.",
      derpPort: 443,
      stunPort: undefined,
      ...relay,
    }, mistakes);
    return mistakes;
  };
  assertEquals(compare({}, { stunPort: 3478 }), []);
  assertEquals(compare({ STUNPort: -1 }, {}), []);
  const ports = { DERPPort: undefined, STUNPort: undefined };
  const wrong = compare(ports, { derpPort: 16666 });
  assertEquals(wrong.length, 2);
  assertMatch(wrong[0]!, /DERPPort: clients would use 443, .* has 16666/);
  assertMatch(wrong[1]!, /STUNPort: clients would use 3478, .* -1$/);
  assertEquals(compare({}, { hostname: "b.example.com", stunPort: 3478 }), [
    'no node has the name of the relay, "b.example.com"',
  ]);
});
