/** What the system knows of this machine's place in its networks. */
import { openLibc, readTable } from "./libc.ts";

/** "eth0	00000000	0102A8C0	…": interface, destination, gateway; addresses in the machine's byte order. */
const DEFAULT_ROUTE = /^\S+\t0{8}\t([0-9A-F]{8})\t/;

/** All addresses of this machine; none where the system doesn't tell. */
export function localAddresses(): string[] {
  try {
    return Deno.networkInterfaces().map(({ address }) => address);
  } catch {
    return [];
  }
}

/** The IPv4 addresses of the gateways to everywhere; none where the system doesn't tell (Linux). */
export function defaultGateways(): string[] {
  try {
    using libc = openLibc();
    return gatewaysInTable(readTable(libc, "/proc/self/net/route"));
  } catch {
    return [];
  }
}

/** The gateways of default routes in the kernel's table of IPv4 routes. */
export function gatewaysInTable(table: string): string[] {
  return table.split("\n").flatMap((line) => {
    const gateway = DEFAULT_ROUTE.exec(line)?.[1];
    if (gateway === undefined || gateway === "00000000") return [];
    const bytes = gateway.match(/../g)!.map((byte) => parseInt(byte, 16));
    return [bytes.reverse().join(".")]; // both our machines are little-endian
  });
}
