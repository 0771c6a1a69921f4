/** DERP's frames: 1 byte type, 4 bytes big-endian length of the payload, payload. */
import { writeUint32 } from "../util/bytes.ts";

/** Protocol version 2: received packets begin with their source key. */
export const PROTOCOL_VERSION = 2;

export const FRAME_HEADER_BYTES = 5;
const KEY = 32;

/** The largest packet, keys and header not counted; larger ones end the connection. */
export const MAX_PACKET_BYTES = 65_536;

/** A frame's first byte. */
export const FrameType = {
  ServerKey: 0x01, // 8B magic + 32B server key + future bytes, ignored
  ClientInfo: 0x02, // 32B client key + 24B nonce + box of JSON
  ServerInfo: 0x03, // 24B nonce + box of JSON
  SendPacket: 0x04, // 32B destination key + packet
  RecvPacket: 0x05, // 32B source key + packet
  KeepAlive: 0x06, // empty
  NotePreferred: 0x07, // 1B: 1 this relay is the client's home, 0 it is not
  PeerGone: 0x08, // 32B key + 1B PeerGoneReason
  PeerPresent: 0x09, // 32B key + 16B IP + 2B port + 1B PeerPresentFlags
  ForwardPacket: 0x0a, // 32B source key + 32B destination key + packet
  WatchConns: 0x10, // empty
  ClosePeer: 0x11, // 32B key
  Ping: 0x12, // 8B + future bytes, ignored
  Pong: 0x13, // the Ping's 8B
  Health: 0x14, // text; empty clears
  Restarting: 0x15, // 4B reconnect in, 4B try for, both milliseconds
} as const;
export type FrameType = typeof FrameType[keyof typeof FrameType];

/** Why a PeerGone is sent. */
export const PeerGoneReason = {
  Disconnected: 0x00, // it has left the region
  NotHere: 0x01, // the region never heard of it
} as const;
export type PeerGoneReason = typeof PeerGoneReason[keyof typeof PeerGoneReason];

/** What a PeerPresent tells about the client; a bit field. */
export const PeerPresentFlag = {
  Regular: 1,
  MeshPeer: 2,
  Prober: 4,
  NotIdeal: 8,
} as const;

/** The smallest and largest payload of one frame type, in bytes. */
export interface PayloadLimit {
  readonly minBytes: number;
  readonly maxBytes: number;
}

/** Limits by frame type; a type without one is unknown and skipped. */
export type PayloadLimits = {
  readonly [type: number]: PayloadLimit | undefined;
};

function limit(minBytes: number, maxBytes: number): PayloadLimit {
  return { minBytes, maxBytes };
}

/** The one frame that a client may send first: room for a long AppName, and derper's own bound. */
export const HELLO_LIMITS: PayloadLimits = {
  [FrameType.ClientInfo]: limit(KEY + 24, 256 * 1024),
};

/** What an admitted client or mesh peer sends. */
export const CLIENT_LIMITS: PayloadLimits = {
  [FrameType.SendPacket]: limit(KEY, KEY + MAX_PACKET_BYTES),
  [FrameType.NotePreferred]: limit(1, 1),
  [FrameType.ForwardPacket]: limit(2 * KEY, 2 * KEY + MAX_PACKET_BYTES),
  [FrameType.WatchConns]: limit(0, 0),
  [FrameType.ClosePeer]: limit(KEY, KEY),
  [FrameType.Ping]: limit(8, 1000), // derper's bound
};

/** What a relay sends to a client. Text and future bytes are bounded as derper's client bounds them. */
export const SERVER_LIMITS: PayloadLimits = {
  [FrameType.ServerKey]: limit(8 + KEY, 1024),
  [FrameType.ServerInfo]: limit(24, 1024 * 1024),
  [FrameType.RecvPacket]: limit(KEY, KEY + MAX_PACKET_BYTES),
  [FrameType.KeepAlive]: limit(0, 1024),
  [FrameType.PeerGone]: limit(KEY, 1024), // the reason byte is missing from old relays
  [FrameType.PeerPresent]: limit(KEY, 1024), // so are address and flags
  [FrameType.Ping]: limit(8, 1000),
  [FrameType.Pong]: limit(8, 1000),
  [FrameType.Health]: limit(0, 64 * 1024),
  [FrameType.Restarting]: limit(8, 1024),
};

/** Writes a frame's header at `offset` and returns the offset of its payload. */
export function writeFrameHeader(
  into: Uint8Array,
  type: FrameType,
  { offset, payloadBytes }: { offset: number; payloadBytes: number },
): number {
  into[offset] = type;
  writeUint32(into, payloadBytes, offset + 1);
  return offset + FRAME_HEADER_BYTES;
}

/** The name of a frame type for error messages, or its number. */
export function frameName(type: number): string {
  for (const [name, value] of Object.entries(FrameType)) {
    if (value === type) return name;
  }
  return `0x${type.toString(16).padStart(2, "0")}`;
}
