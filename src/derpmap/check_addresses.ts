/** Whether the names in a DERP map lead to the addresses beside them. */
import { hostnameIp } from "../certs/names.ts";
import { equalBytes } from "../util/bytes.ts";
import { messageOf } from "../util/error_message.ts";
import { parseIp, parseIpv4, unmapIp } from "../util/ip.ts";
import type { CheckedNode } from "./check_node.ts";

/** The addresses of a name, none where there is no such name; rejects where nobody can tell. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** So many names are looked up at a time. */
const AT_ONCE = 16;

/** Looks every name up, and notes what differs from its node. */
export async function checkAddresses(
  nodes: readonly CheckedNode[],
  resolve: Resolve,
): Promise<void> {
  const names = new Set(
    nodes.map(({ hostName }) => hostName ?? "")
      .filter((name) => name !== "" && hostnameIp(name) === undefined),
  );
  const found = await resolveAll([...names], resolve);
  for (const node of nodes) {
    const { hostName } = node;
    if (hostName === undefined) continue;
    const isIp = hostnameIp(hostName) !== undefined;
    const answer = isIp ? [hostName] : found.get(hostName)!;
    if (typeof answer === "string") {
      node.reader.report("HostName", `"${hostName}" ${answer}`);
    } else {
      checkNode(node, { hostName, isIp, addresses: answer.map(unmapIp) });
    }
  }
}

function checkNode(
  { reader, ipv4, ipv6 }: CheckedNode,
  { hostName, isIp, addresses }: {
    hostName: string;
    isIp: boolean;
    addresses: readonly string[];
  },
): void {
  for (const [field, ip] of [["IPv4", ipv4], ["IPv6", ipv6]] as const) {
    if (ip === undefined || addresses.some((address) => isSame(address, ip))) {
      continue;
    }
    const family = addresses.filter((address) =>
      (parseIpv4(address) !== undefined) === (field === "IPv4")
    );
    if (isIp) {
      if (family.length === 0) continue; // the other family's has no name to tell it
      reader.report(
        field,
        `${ip} is not ${reader.spell("HostName")} ${hostName}`,
      );
      continue;
    }
    const leads = family.length > 0
      ? `resolves to ${family.join(", ")}`
      : `resolves to ${addresses.join(", ")} alone`;
    reader.report(field, `"${hostName}" ${leads}, not to ${ip}`);
  }
}

async function resolveAll(
  names: readonly string[],
  resolve: Resolve,
): Promise<Map<string, readonly string[] | string>> {
  const found = new Map<string, readonly string[] | string>();
  for (let at = 0; at < names.length; at += AT_ONCE) {
    await Promise.all(
      names.slice(at, at + AT_ONCE).map(async (name) => {
        try {
          const addresses = await resolve(name);
          found.set(name, addresses.length > 0 ? addresses : "doesn't resolve");
        } catch (error) {
          found.set(name, `can't be looked up here: ${messageOf(error)}`);
        }
      }),
    );
  }
  return found;
}

/** IPv6 has many spellings. */
function isSame(address: string, ip: string): boolean {
  const [a, b] = [parseIp(address), parseIp(ip)];
  return a !== undefined && b !== undefined && equalBytes(a, b);
}
