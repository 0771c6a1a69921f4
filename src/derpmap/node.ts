/** The relay as a node of a DERP map, a DERPNode of Tailscale's `tailcfg`. */
import { hostnameIp } from "../certs/names.ts";
import type { CertificateFacts } from "../certs/provider.ts";
import { isMappedIpv4, unmapIp } from "../util/ip.ts";

/** Where clients find the relay; `stunPort` is undefined where it answers no STUN. */
export interface RelayAddress {
  readonly hostname: string;
  readonly derpPort: number;
  readonly stunPort: number | undefined;
}

/** What else is known of the relay. */
export interface NodeFacts {
  readonly name: string;
  readonly regionId: number;
  /** Absent where clients trust it by themselves. */
  readonly certificate?: Pinned | undefined;
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  /** Whether it answers STUN alone. */
  readonly stunOnly?: boolean;
  /** Whether port 80 answers captive portal checks. */
  readonly canPort80?: boolean;
}

/** A node with the names and in the order in which it is written; what is undefined isn't. */
export interface DerpNode {
  readonly Name: string;
  readonly RegionID: number;
  readonly HostName: string;
  readonly CertName: string | undefined;
  readonly IPv4: string | undefined;
  readonly IPv6: string | undefined;
  readonly STUNPort: number;
  readonly STUNOnly: boolean | undefined;
  readonly DERPPort: number;
  readonly CanPort80: boolean | undefined;
}

type Pinned = Pick<CertificateFacts, "chainLength" | "selfSigned" | "sha256">;

/** What clients take for a port that is left out. */
export const DEFAULT_PORT = { DERPPort: 443, STUNPort: 3478 } as const;
/** Tells clients that there is no STUN here. */
export const NO_STUN = -1;
/** The first of the region numbers kept for operators (900 to 999). */
const REGION_ID = 900;

/** The node of a relay, with its ports also where clients would assume them. */
export function derpNode(address: RelayAddress, facts: NodeFacts): DerpNode {
  const { hostname, derpPort, stunPort = NO_STUN } = address;
  return {
    Name: facts.name,
    RegionID: facts.regionId,
    HostName: hostname,
    CertName: facts.certificate && pin(facts.certificate, hostname),
    IPv4: facts.ipv4,
    IPv6: facts.ipv6,
    STUNPort: stunPort,
    STUNOnly: facts.stunOnly || undefined,
    DERPPort: derpPort,
    CanPort80: facts.canPort80 || undefined,
  };
}

/** One line of JSON for the log of a relay with an IP address for a name: its node with what differs from the defaults. */
export function derpMapNode(
  certificate: CertificateFacts,
  address: RelayAddress,
): string {
  const node = derpNode(address, {
    name: "custom",
    regionId: REGION_ID,
    certificate,
    ...ownAddress(address.hostname),
  });
  const { STUNPort, DERPPort } = node;
  return JSON.stringify({
    ...node,
    STUNPort: STUNPort === DEFAULT_PORT.STUNPort ? undefined : STUNPort,
    DERPPort: DERPPort === DEFAULT_PORT.DERPPort ? undefined : DERPPort,
  });
}

/** The address that a host name is; it spares clients the look-up. */
export function ownAddress(
  hostname: string,
): Pick<NodeFacts, "ipv4" | "ipv6"> {
  const ip = hostnameIp(hostname);
  if (ip === undefined) return {};
  return isMappedIpv4(ip) ? { ipv4: unmapIp(hostname) } : { ipv6: hostname };
}

/** A client that pins refuses a chain, which is checked as any other certificate. */
function pin(
  { chainLength, selfSigned, sha256 }: Pinned,
  hostname: string,
): string | undefined {
  const isTrustedOtherwise = chainLength > 1 ||
    !selfSigned && hostnameIp(hostname) === undefined;
  return isTrustedOtherwise ? undefined : `sha256-raw:${sha256}`;
}
