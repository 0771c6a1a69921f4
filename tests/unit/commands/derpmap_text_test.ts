/** The map that `derper derpmap` prints of a relay and its machine. */
import {
  mapText,
  type RelayMachine,
} from "../../../src/commands/derpmap_text.ts";
import { parseDerpmapLine } from "../../../src/config/derpmap_line.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { surroundings } from "../config/read_line.ts";

const FACTS = {
  names: [],
  notBefore: new Date(0),
  notAfter: new Date(1),
  sha256: "ab".repeat(32),
  selfSigned: true,
  chainLength: 1,
};

const PORT_80_IS_OPEN = false;

const MACHINE: RelayMachine = {
  addresses: () => ["127.0.0.1", "203.0.113.7"],
  resolve: () => Promise.resolve(["203.0.113.7", "2001:db8::7"]),
  answersCaptiveCheck: () => Promise.resolve(PORT_80_IS_OPEN),
  certificate: () => Promise.resolve(FACTS),
};

async function make(line: string, change: Partial<RelayMachine> = {}) {
  const asked = parseDerpmapLine(line.split(" "), surroundings());
  assert(asked.kind === "map", JSON.stringify(asked));
  const { text, notes } = await mapText(asked, { ...MACHINE, ...change });
  return { text, notes: notes.join("\n") };
}

/** The node in the map of a command line. */
async function node(line: string, change?: Partial<RelayMachine>) {
  const { text } = await make(`${line} -format json`, change);
  return JSON.parse(text).Regions["900"].Nodes[0];
}

const HOST = "-hostname derp.example.com";

Deno.test("mapText() tells what was found", async () => {
  const found = {
    Name: "900a",
    RegionID: 900,
    HostName: "derp.example.com",
    IPv4: "203.0.113.7",
    IPv6: "2001:db8::7",
    STUNPort: 3478,
    DERPPort: 443,
  };
  assertEquals(await node(HOST), found);
  const manual = "-certmode manual -certdir d -a :8443 -stun=false";
  assertEquals(await node(`${HOST} ${manual}`), {
    ...found,
    CertName: `sha256-raw:${FACTS.sha256}`,
    STUNPort: -1,
    DERPPort: 8443,
  });
  assert((await node(`${HOST} -derp=false`)).STUNOnly);
});

Deno.test("mapText() says CanPort80 only where port 80 answers", async () => {
  const asked: string[] = [];
  const machine = (open: string): Partial<RelayMachine> => ({
    answersCaptiveCheck: (host, port) => {
      asked.push(`${host}:${port}`);
      return Promise.resolve(open === `${host}:${port}`);
    },
  });
  const canPort80 = async (line: string, open: string) =>
    (await node(line, machine(open))).CanPort80;
  assert(await canPort80(HOST, "203.0.113.7:80"));
  assertEquals(asked, ["203.0.113.7:80"]);
  assert(await canPort80(HOST, "127.0.0.1:80"));
  const bound = `${HOST} -a 203.0.113.9:443`;
  assert(await canPort80(bound, "203.0.113.9:80"));
  const other = `${HOST} -http-port 8080`;
  assertEquals(await canPort80(other, "127.0.0.1:80"), undefined);
  assert(await canPort80(other, "203.0.113.7:80"));
  const { text, notes } = await make(HOST, machine("nothing"));
  assert(!text.includes("CanPort80"));
  assertStringIncludes(notes, "port 80 doesn't answer");
  const off = await make(`${HOST} -http-port -1`, machine("nothing"));
  assert(!off.notes.includes("port 80"));
});

Deno.test("mapText() goes on where something can't be found out, and says so", async () => {
  const { text, notes } = await make(`${HOST} -certmode manual`, {
    resolve: () => Promise.reject(new Error("no DNS")),
    certificate: () => Promise.resolve("the certificate is a secret"),
  });
  assertStringIncludes(text, '"IPv4": "203.0.113.7"');
  assert(!text.includes("CertName"));
  assertStringIncludes(notes, "the certificate is a secret");
  assertStringIncludes(notes, "doesn't resolve");
});

Deno.test("mapText() prints the form that is asked for, and says where it goes", async () => {
  const acl = await make(HOST);
  assertStringIncludes(acl.text, '"OmitDefaultRegions": false');
  assertStringIncludes(acl.notes, "policy file");
  const headscale = await make(`${HOST} -format headscale`);
  assert(headscale.text.startsWith("regions:\n  900:\n    regionid: 900\n"));
  assertStringIncludes(headscale.notes, "derp.paths");
});
