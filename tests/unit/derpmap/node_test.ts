/** The relay as a node of a DERP map. */
import {
  derpMapNode,
  derpNode,
  type RelayAddress,
} from "../../../src/derpmap/node.ts";
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

Deno.test("derpNode() tells its ports always, and nothing that isn't so", () => {
  const node = derpNode(DEFAULT, { name: "900a", regionId: 900 });
  assertEquals(
    JSON.stringify(node),
    '{"Name":"900a","RegionID":900,"HostName":"192.0.2.1","STUNPort":3478,"DERPPort":443}',
  );
  const all = derpNode({ ...DEFAULT, stunPort: undefined }, {
    name: "901b",
    regionId: 901,
    certificate: FACTS,
    ipv4: "192.0.2.1",
    ipv6: "2001:db8::1",
    stunOnly: true,
    canPort80: true,
  });
  assertEquals(
    JSON.stringify(all),
    `{"Name":"901b","RegionID":901,"HostName":"192.0.2.1","CertName":"${PIN}","IPv4":"192.0.2.1","IPv6":"2001:db8::1","STUNPort":-1,"STUNOnly":true,"DERPPort":443,"CanPort80":true}`,
  );
});

Deno.test("derpNode() pins the certificate of a name only where it signs itself", () => {
  const certName = (selfSigned: boolean, hostname: string) =>
    derpNode({ ...DEFAULT, hostname }, {
      name: "a",
      regionId: 900,
      certificate: { ...FACTS, selfSigned },
    }).CertName;
  const [signsItself, issued] = [true, false];
  assertEquals(certName(signsItself, "derp.test"), PIN);
  assertEquals(certName(issued, "derp.test"), undefined);
  assertEquals(certName(issued, "192.0.2.1"), PIN);
});
