/** The relay as an entry of a DERP map, ready to paste. */
import { isMappedIpv4, unmapIp } from "../util/ip.ts";
import { hostnameIp } from "./names.ts";
import type { CertificateFacts } from "./provider.ts";

/** Where clients find the relay; `stunPort` is undefined where it answers no STUN. */
export interface RelayAddress {
  readonly hostname: string;
  readonly derpPort: number;
  readonly stunPort: number | undefined;
}

const DEFAULT_DERP_PORT = 443;
const DEFAULT_STUN_PORT = 3478;
/** Tells clients that there is no STUN here; leaving the port out would mean 3478. */
const NO_STUN = -1;
/** The first of the region numbers kept for operators (900 to 999). */
const REGION_ID = 900;

/** One line of JSON, a DERPNode of Tailscale's `tailcfg` with what differs from its defaults. */
export function derpMapNode(
  certificate: CertificateFacts,
  address: RelayAddress,
): string {
  const { hostname, derpPort, stunPort = NO_STUN } = address;
  return JSON.stringify({
    Name: "custom",
    RegionID: REGION_ID,
    HostName: hostname,
    CertName: pin(certificate),
    ...addressField(hostname),
    STUNPort: stunPort === DEFAULT_STUN_PORT ? undefined : stunPort,
    DERPPort: derpPort === DEFAULT_DERP_PORT ? undefined : derpPort,
  });
}

/** Spares clients the look-up of a host name that is an address. */
function addressField(hostname: string): { IPv4?: string; IPv6?: string } {
  const ip = hostnameIp(hostname);
  if (ip === undefined) return {};
  return isMappedIpv4(ip) ? { IPv4: unmapIp(hostname) } : { IPv6: hostname };
}

/** A client that pins refuses a chain, which is checked as any other certificate. */
function pin({ chainLength, sha256 }: CertificateFacts): string | undefined {
  return chainLength === 1 ? `sha256-raw:${sha256}` : undefined;
}
