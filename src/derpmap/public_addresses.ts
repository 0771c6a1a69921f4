/** Which of the addresses that were found go into the map. */
import { isPublicIp, parseIpv4, unmapIp } from "../util/ip.ts";
import { ownAddress } from "./node.ts";

/** What was found out about the relay's machine. */
export interface FoundAddresses {
  readonly hostname: string;
  /** Those of the interfaces that it listens on. */
  readonly own: readonly string[];
  /** What the name resolves to; empty where it doesn't. */
  readonly resolved: readonly string[];
}

/** What goes into the map, and what an operator should know about it. */
export interface ChosenAddresses {
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly notes: readonly string[];
}

/**
 * What the name resolves to, as clients that look it up have to come to the same
 * relay; of several, one that the machine has. The machine's own addresses
 * count by themselves only where the name leads nowhere.
 */
export function publicAddresses(found: FoundAddresses): ChosenAddresses {
  const { hostname } = found;
  const given = ownAddress(hostname);
  if (given.ipv4 ?? given.ipv6) return { ...given, notes: [] };
  const own = found.own.filter(isPublicIp).map(unmapIp);
  const resolved = found.resolved.map(unmapIp);
  const usable = resolved.filter(isPublicIp);
  const from = usable.length > 0 ? usable : own;
  const pick = (isWanted: (ip: string) => boolean) =>
    from.find((ip) => isWanted(ip) && own.includes(ip)) ?? from.find(isWanted);
  const chosen = { ipv4: pick(isIpv4), ipv6: pick((ip) => !isIpv4(ip)) };
  return {
    ...chosen,
    notes: notes({ hostname, resolved, usable, own }, chosen),
  };
}

function notes(
  { hostname, resolved, usable, own }: {
    hostname: string;
    resolved: readonly string[];
    usable: readonly string[];
    own: readonly string[];
  },
  chosen: Omit<ChosenAddresses, "notes">,
): string[] {
  if (usable.length === 0) {
    const leads = resolved.length === 0
      ? "doesn't resolve"
      : `resolves to ${resolved.join(", ")} alone`;
    return [
      own.length === 0
        ? `"${hostname}" ${leads} here, and this machine has no public address: the map has none, nodes will look the name up`
        : `"${hostname}" ${leads} here: the map has the machine's own addresses; give the name DNS records for them`,
    ];
  }
  const said: string[] = [];
  for (const family of ["ipv4", "ipv6"] as const) {
    const isWanted = (ip: string) => isIpv4(ip) === (family === "ipv4");
    const ip = chosen[family];
    const ours = own.find(isWanted);
    if (ours === undefined || ip !== undefined && own.includes(ip)) continue;
    const [label, record] = family === "ipv4"
      ? ["IPv4", "A"]
      : ["IPv6", "AAAA"];
    said.push(
      ip === undefined
        ? `"${hostname}" has no ${record} record, and this machine has ${ours}: the map has no ${label}; add the record to have it there`
        : `"${hostname}" resolves to ${ip}, and this machine has ${ours}: the map has the former; is the record right?`,
    );
  }
  return said;
}

function isIpv4(ip: string): boolean {
  return parseIpv4(ip) !== undefined;
}
