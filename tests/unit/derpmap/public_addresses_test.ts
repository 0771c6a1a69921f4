/** Which addresses go into a map. */
import {
  type FoundAddresses,
  publicAddresses,
} from "../../../src/derpmap/public_addresses.ts";
import { assertEquals, assertStringIncludes } from "../../support/assert.ts";

const NAME = "derp.example.com";

function choose(found: Partial<FoundAddresses>) {
  const { ipv4, ipv6, notes } = publicAddresses({
    hostname: NAME,
    own: [],
    resolved: [],
    ...found,
  });
  return { ips: [ipv4, ipv6], notes };
}

Deno.test("publicAddresses() takes what the name resolves to, of several what the machine has", () => {
  const found = choose({
    own: ["127.0.0.1", "203.0.113.8", "10.0.0.1", "2001:db8::8", "fe80::1"],
    resolved: ["203.0.113.7", "203.0.113.8", "2001:db8::8"],
  });
  assertEquals(found, { ips: ["203.0.113.8", "2001:db8::8"], notes: [] });
  const behindNat = { own: ["10.0.0.1"], resolved: ["203.0.113.7"] };
  assertEquals(choose(behindNat), {
    ips: ["203.0.113.7", undefined],
    notes: [],
  });
});

Deno.test("publicAddresses() takes the machine's own where the name leads nowhere, and says so", () => {
  for (const resolved of [[], ["127.0.1.1"], ["::1", "10.0.0.1"]]) {
    const { ips, notes } = choose({
      own: ["::1", "10.0.0.1", "203.0.113.8", "2001:db8::8"],
      resolved,
    });
    assertEquals(ips, ["203.0.113.8", "2001:db8::8"]);
    assertEquals(notes.length, 1);
    assertStringIncludes(notes[0]!, `"${NAME}"`);
  }
  const { ips, notes } = choose({ own: ["10.0.0.1"] });
  assertEquals(ips, [undefined, undefined]);
  assertStringIncludes(notes[0]!, "no public address");
});

Deno.test("publicAddresses() says where name and machine differ", () => {
  const other = choose({ own: ["203.0.113.8"], resolved: ["203.0.113.7"] });
  assertEquals(other.ips, ["203.0.113.7", undefined]);
  assertStringIncludes(other.notes[0]!, "203.0.113.8");
  const noRecord = choose({
    own: ["203.0.113.7", "2001:db8::7"],
    resolved: ["203.0.113.7"],
  });
  assertEquals(noRecord.ips, ["203.0.113.7", undefined]);
  assertEquals(noRecord.notes.length, 1);
  assertStringIncludes(noRecord.notes[0]!, "no AAAA record");
});

Deno.test("publicAddresses() takes the address that is the host name, wherever it is", () => {
  const own = ["203.0.113.8", "2001:db8::8"];
  for (
    const [hostname, ips] of [
      ["127.0.0.1", ["127.0.0.1", undefined]],
      ["::ffff:203.0.113.7", ["203.0.113.7", undefined]],
      ["2001:db8::7", [undefined, "2001:db8::7"]],
    ] as const
  ) {
    assertEquals(choose({ hostname, own }), { ips: [...ips], notes: [] });
  }
});
