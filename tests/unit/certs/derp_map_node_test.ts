/** The DERP map entry that an operator pastes. */
import {
  derpMapNode,
  type RelayAddress,
} from "../../../src/certs/derp_map_node.ts";
import type { CertificateFacts } from "../../../src/certs/provider.ts";
import { assertEquals } from "../../support/assert.ts";

const FACTS: CertificateFacts = {
  names: ["192.0.2.1"],
  notBefore: new Date(0),
  notAfter: new Date(1),
  sha256: "ab".repeat(32),
  selfSigned: true,
  chainLength: 1,
};
const PIN = `sha256-raw:${FACTS.sha256}`;
const DEFAULT: RelayAddress = {
  hostname: "192.0.2.1",
  derpPort: 443,
  stunPort: 3478,
};

Deno.test("derpMapNode() leaves out what clients assume", () => {
  assertEquals(
    derpMapNode(FACTS, DEFAULT),
    `{"Name":"custom","RegionID":900,"HostName":"192.0.2.1","CertName":"${PIN}","IPv4":"192.0.2.1"}`,
  );
});

Deno.test("derpMapNode() tells other ports", () => {
  const node = derpMapNode(FACTS, {
    ...DEFAULT,
    derpPort: 8443,
    stunPort: 3479,
  });
  const { STUNPort, DERPPort } = JSON.parse(node);
  assertEquals([STUNPort, DERPPort], [3479, 8443]);
});

Deno.test("derpMapNode() says -1 where there is no STUN", () => {
  const node = derpMapNode(FACTS, { ...DEFAULT, stunPort: undefined });
  assertEquals(JSON.parse(node).STUNPort, -1);
});

Deno.test("derpMapNode() puts an IPv6 address where clients look for it", () => {
  const hostname = "2001:db8::1";
  const { IPv4, IPv6, HostName } = JSON.parse(
    derpMapNode(FACTS, { ...DEFAULT, hostname }),
  );
  assertEquals([IPv4, IPv6, HostName], [undefined, hostname, hostname]);
});

Deno.test("derpMapNode() writes an IPv4 address within IPv6 as IPv4", () => {
  const hostname = "::ffff:192.0.2.1";
  const { IPv4, IPv6 } = JSON.parse(
    derpMapNode(FACTS, { ...DEFAULT, hostname }),
  );
  assertEquals([IPv4, IPv6], ["192.0.2.1", undefined]);
});

Deno.test("derpMapNode() gives no address for a DNS name", () => {
  const node = derpMapNode(FACTS, { ...DEFAULT, hostname: "derp.test" });
  const { IPv4, IPv6, HostName } = JSON.parse(node);
  assertEquals([IPv4, IPv6, HostName], [undefined, undefined, "derp.test"]);
});

Deno.test("derpMapNode() pins no chain, for clients would refuse it", () => {
  const node = derpMapNode({ ...FACTS, chainLength: 2 }, DEFAULT);
  assertEquals(JSON.parse(node).CertName, undefined);
});
