/** Why a packet was not delivered; the strings are derper's metric labels. */
export const DROP_REASONS = [
  "unknown_dest", // nobody in the region has the destination key
  "unknown_dest_on_fwd", // the same for a packet that a mesh peer forwarded to us
  "gone_disconnected", // the destination left before it could be written
  "queue_head", // the destination's queue was full and this was its oldest packet
  "queue_tail", // derper's, when writers race for a full queue; ours drops the head
  "write_error", // the connection broke, or was too slow, while it was written
  "dup_client", // several connections of one key, none of them active; ours always has one
] as const;
export type DropReason = typeof DROP_REASONS[number];

/** Disco packets have queues and labels of their own. */
export const PACKET_KINDS = ["disco", "other"] as const;
export type PacketKind = typeof PACKET_KINDS[number];
