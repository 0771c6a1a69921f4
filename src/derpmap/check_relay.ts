/** Whether a DERP map says of a relay what its own flags say. */
import type { CheckedNode } from "./check_node.ts";
import { NO_STUN, type RelayAddress } from "./node.ts";

/** Compares the ports of every node that has the relay's name. */
export function checkRelay(
  nodes: readonly CheckedNode[],
  { hostname, derpPort, stunPort = NO_STUN }: RelayAddress,
  mistakes: string[],
): void {
  const own = nodes.filter(({ hostName }) =>
    hostName !== undefined && canonical(hostName) === canonical(hostname)
  );
  if (own.length === 0) {
    mistakes.push(`no node has the name of the relay, "${hostname}"`);
  }
  for (const node of own) {
    if (node.derpPort !== derpPort) {
      node.reader.report(
        "DERPPort",
        `clients would use ${node.derpPort}, and the relay has ${derpPort}; write that, or check it with -derp-port ${node.derpPort} where a proxy or a container has another port than -a`,
      );
    }
    if (node.stunPort !== stunPort) {
      node.reader.report(
        "STUNPort",
        stunPort === NO_STUN
          ? `clients would use ${node.stunPort}, and the relay has no STUN; write ${NO_STUN}`
          : `clients would use ${node.stunPort}, and the relay has ${stunPort}; write that`,
      );
    }
  }
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
