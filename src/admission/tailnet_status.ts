/** The nodes that tailscaled's status lists, as `tailscale status --json` prints it too. */
import type { Clock } from "../util/clock.ts";
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { expiryMs } from "./device_list.ts";
import { listedKey, listedName, nodeName, type NodeNames } from "./key_list.ts";
import { askLocalApi, objectIn } from "./local_api.ts";

/** All nodes of a tailnet, 1 to 2 KiB each. */
const MAX_STATUS_BYTES = 64 * 1024 * 1024;

/** Whether all nodes are asked for, or the own one alone. */
export type StatusQuery = "" | "?peers=false";

/** What a status says of the tailnet's nodes. */
export interface TailnetStatus {
  readonly names: NodeNames;
  /** Nodes that are left out because their keys have expired. */
  readonly expired: number;
  /** Nodes that are left out because what they have is no node key. */
  readonly unusable: number;
  /** For example "Running" or "NeedsLogin". */
  readonly state: string | undefined;
  /** Whether it has heard from its tailnet; also while it is switched off, and when its own key has expired. */
  readonly hasMap: boolean;
  /** What the tailnet and the node that was asked are called. */
  readonly tailnet: string | undefined;
  readonly self: string | undefined;
}

/**
 * Asks the tailscaled behind `socketPath`, until `signal` aborts.
 *
 * @throws LocalApiError
 */
export async function askStatus(
  socketPath: string,
  { query = "", signal, clock }: {
    query?: StatusQuery;
    signal: AbortSignal;
    clock: Clock;
  },
): Promise<TailnetStatus> {
  const answer = await askLocalApi(socketPath, {
    path: `/localapi/v0/status${query}`,
    maxBytes: MAX_STATUS_BYTES,
    signal,
  });
  return parseStatus(objectIn(answer, "status"), clock.date());
}

/**
 * Finds the nodes that tailscaled's whois would know: itself and all nodes of
 * its network map, also those that others share with it or it is shared with
 * (`ShareeNode`). What only its other parts remember isn't among them, and
 * neither are expired nodes, whose keys tailscaled itself makes unusable.
 */
export function parseStatus(status: JsonObject, now: Date): TailnetStatus {
  const names = new Map<string, string | undefined>();
  let expired = 0;
  let unusable = 0;
  for (const [id, node] of nodesOf(status)) {
    if (!isJsonObject(node)) {
      unusable++;
      continue;
    }
    if (node.InNetworkMap === false) continue;
    const key = listedKey(id);
    if (isExpired(node, now)) expired++;
    else if (key === undefined) unusable++;
    else names.set(key, nameOf(node));
  }
  const { BackendState: state, CurrentTailnet: tailnet, Self: self } = status;
  return {
    names,
    expired,
    unusable,
    state: listedName(state),
    hasMap: isJsonObject(self) && self.InNetworkMap === true,
    tailnet: isJsonObject(tailnet) ? listedName(tailnet.Name) : undefined,
    self: isJsonObject(self) ? nameOf(self) : undefined,
  };
}

/** Whether an object is such a status at all. */
export function isStatus(value: JsonObject): boolean {
  return isJsonObject(value.Self) || isJsonObject(value.Peer);
}

/** Each node with what stands for its key. */
function nodesOf(
  { Self: self, Peer: peers }: JsonObject,
): readonly [key: unknown, node: unknown][] {
  const nodes = isJsonObject(peers) ? Object.entries(peers) : [];
  return isJsonObject(self)
    ? [[self.PublicKey, self] as [unknown, unknown]].concat(nodes)
    : nodes;
}

function isExpired(
  { Expired: flag, KeyExpiry: at }: JsonObject,
  now: Date,
): boolean {
  return flag === true || expiryMs(at) <= now.getTime();
}

/** The DNS name, for it tells nodes apart whose hosts are called the same. */
function nameOf({ DNSName: dns, HostName: host }: JsonObject) {
  return nodeName(dns, host);
}
