/** The kernel's table of routes. */
import { gatewaysInTable } from "../../../src/net/local_addresses.ts";
import { assertEquals } from "../../support/assert.ts";

const HEAD =
  "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

Deno.test("gatewaysInTable() finds the gateways of default routes", () => {
  const rest = "0003\t0\t0\t0\t00000000\t0\t0\t0\n";
  const table = HEAD +
    `eth0\t00000000\t0102A8C0\t${rest}` +
    `eth1\t00000000\tFE00580A\t${rest}` +
    `tun0\t00000000\t00000000\t${rest}` +
    `eth0\t0002A8C0\t00000000\t${rest}` +
    `eth0\t00000A0A\t0902A8C0\t${rest}`;
  assertEquals(gatewaysInTable(table), ["192.168.2.1", "10.88.0.254"]);
  assertEquals(gatewaysInTable(HEAD), []);
  assertEquals(gatewaysInTable(""), []);
});
