/** What each client moves, as `/debug/traffic` tells it. */
import type { RelayTable } from "../relay/relay_table.ts";

/**
 * One JSON object a line for each connection, the busiest first. The first
 * four names are derper's, which has them from `ss` and without end. The last
 * two are missing where nobody is verified, or the source has no name for the node.
 */
export function renderTraffic(table: RelayTable): string {
  return [...table.sessions()].map((session) => session.traffic())
    .toSorted((a, b) =>
      b.sentBytes + b.receivedBytes - a.sentBytes - a.receivedBytes
    )
    .map((traffic) =>
      JSON.stringify({
        Sent: traffic.sentBytes,
        Recv: traffic.receivedBytes,
        Key: traffic.key.toString(),
        UniqueSenders: traffic.senders,
        PacketsSent: traffic.sentPackets,
        PacketsRecv: traffic.receivedPackets,
        PacketsDropped: traffic.droppedPackets,
        Since: traffic.since.toISOString(),
        IP: traffic.remote.ip,
        Port: traffic.remote.port,
        MeshPeer: traffic.isMeshPeer,
        AdmittedBy: traffic.admitted?.by,
        Node: traffic.admitted?.node,
      }) + "\n"
    )
    .join("");
}
