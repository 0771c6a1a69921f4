/** Perturbed key lists never throw, and never make a node key of what isn't one. */
import {
  formatKeys,
  type ParsedKeys,
  parseKeys,
} from "../../src/admission/key_list_text.ts";
import { NodePublic } from "../../src/keys/node_key.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { fuzz } from "../support/fuzz.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const KEYS = [..."1289abcf"].map((digit) => `nodekey:${digit.repeat(64)}`);

const LINES = [
  "\ufeff# a list",
  ...KEYS.map((key, i) => `${key} name ${i}`),
  "",
].join("\r\n");

const STATUS = JSON.stringify({
  BackendState: "Running",
  CurrentTailnet: { Name: "example.org" },
  Self: { PublicKey: KEYS[0], DNSName: "self.ts.net.", InNetworkMap: true },
  Peer: Object.fromEntries(
    KEYS.slice(1).map((key, i) => [key, {
      HostName: `peer ${i}`,
      KeyExpiry: "2026-06-01T00:00:00Z",
    }]),
  ),
});

for (const [target, text] of [["key_lines", LINES], ["key_status", STATUS]]) {
  fuzz(target!, (random) => {
    const parsed = parseKeys(random.perturbText(text!), NOW);
    if (typeof parsed === "string") assert(!parsed.includes("\n"));
    else check(parsed);
  });
}

function check({ list, fault }: ParsedKeys): void {
  assert(list.size > 0);
  assert(fault === undefined || !/[\n\r]/.test(fault));
  for (const key of list.names.keys()) {
    const parsed = NodePublic.parse(key);
    assert(parsed !== undefined && list.has(parsed), key);
  }
  const again = parseKeys(formatKeys(list.names, []), NOW);
  assert(typeof again !== "string");
  assertEquals(again.fault, undefined);
  assertEquals(new Map(again.list.names), new Map(list.names));
}
