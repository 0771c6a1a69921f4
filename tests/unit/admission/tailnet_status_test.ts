import {
  isStatus,
  parseStatus,
  type TailnetStatus,
} from "../../../src/admission/tailnet_status.ts";
import type { JsonObject } from "../../../src/util/json.ts";
import { assertEquals } from "../../support/assert.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const [SELF, ANN, BOB] = ["a", "b", "c"]
  .map((digit) => `nodekey:${digit.repeat(64)}`) as [string, string, string];

/** A node as tailscaled has it, in the fields that matter. */
function node(name: string, more: JsonObject = {}): JsonObject {
  return {
    HostName: `${name} host`,
    DNSName: `${name}.example.ts.net.`,
    InNetworkMap: true,
    ...more,
  };
}

function parse(peers: JsonObject, self: JsonObject = {}): TailnetStatus {
  return parseStatus(
    {
      BackendState: "Running",
      CurrentTailnet: { Name: "example.org" },
      Self: node("self", { PublicKey: SELF, ...self }),
      Peer: peers,
    },
    NOW,
  );
}

function namesOf(status: TailnetStatus): [string, string | undefined][] {
  return [...status.names];
}

Deno.test("parseStatus() takes the node itself and its peers, by name", () => {
  const status = parse({
    [ANN]: node("ann"),
    [BOB]: node("bob", { DNSName: "", ShareeNode: true }),
  });
  assertEquals(namesOf(status), [
    [SELF, "self.example.ts.net"],
    [ANN, "ann.example.ts.net"],
    [BOB, "bob host"],
  ]);
  assertEquals(status.state, "Running");
  assertEquals(status.tailnet, "example.org");
  assertEquals(status.self, "self.example.ts.net");
});

const LEFT_OUT: [what: string, fields: JsonObject, expired: number][] = [
  ["has expired", { Expired: true }, 1],
  ["expires now", { KeyExpiry: "2026-01-02T03:04:05Z" }, 1],
  ["expired in another time zone", {
    KeyExpiry: "2026-01-02T05:04:04+02:00",
  }, 1],
  ["is in no network map", { InNetworkMap: false }, 0],
];

for (const [what, fields, expired] of LEFT_OUT) {
  Deno.test(`parseStatus() leaves out a peer that ${what}`, () => {
    const status = parse({ [ANN]: node("ann", fields), [BOB]: node("bob") });
    assertEquals([...status.names.keys()], [SELF, BOB]);
    assertEquals(status.expired, expired);
    assertEquals(status.unusable, 0);
  });
}

const TAKEN: JsonObject[] = [
  { Expired: false },
  { KeyExpiry: "2026-01-02T03:04:06Z" },
  { KeyExpiry: "0001-01-01T00:00:00Z" },
  { KeyExpiry: null },
  { KeyExpiry: "some day" },
  { InNetworkMap: undefined },
];

for (const fields of TAKEN) {
  Deno.test(`parseStatus() takes a peer with ${JSON.stringify(fields)}`, () => {
    const status = parse({ [ANN]: node("ann", fields) });
    assertEquals([...status.names.keys()], [SELF, ANN]);
  });
}

Deno.test("parseStatus() finds nobody where tailscaled has no network map, though it has a key", () => {
  const status = parse({}, { InNetworkMap: false });
  assertEquals(namesOf(status), []);
});

Deno.test("parseStatus() counts what is no node, and what has no key", () => {
  const status = parse({ [ANN]: null, nodekey: node("x"), [BOB]: node("bob") });
  assertEquals([...status.names.keys()], [SELF, BOB]);
  assertEquals(status.unusable, 2);
});

Deno.test("parseStatus() takes any number of peers", () => {
  const peers: Record<string, unknown> = {};
  for (let i = 1; i <= 150_000; i++) {
    peers[`nodekey:${i.toString(16).padStart(64, "0")}`] = {};
  }
  assertEquals(parse(peers).names.size, 150_001);
});

Deno.test("parseStatus() gets along with nothing", () => {
  const nothing: TailnetStatus = {
    names: new Map(),
    expired: 0,
    unusable: 0,
    state: undefined,
    hasMap: false,
    tailnet: undefined,
    self: undefined,
  };
  assertEquals(parseStatus({}, NOW), nothing);
  assertEquals(parseStatus({ Self: null, Peer: null }, NOW), nothing);
});

Deno.test("isStatus() wants a node or a list of peers", () => {
  const values = [
    { Self: {} },
    { Peer: {} },
    { error: "no" },
    { Self: "x", Peer: [] },
  ];
  assertEquals(values.map(isStatus), [true, true, false, false]);
});
