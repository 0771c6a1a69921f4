/** Whole frames as byte strings, and the fields of those that come in; packets are not among them. */
import { NodePublic } from "../keys/node_key.ts";
import {
  concatBytes,
  equalBytes,
  readUint16,
  writeUint16,
  writeUint32,
} from "../util/bytes.ts";
import { formatIp, parseIp } from "../util/ip.ts";
import { ProtocolError } from "./errors.ts";
import {
  FRAME_HEADER_BYTES,
  FrameType,
  type PeerGoneReason,
  writeFrameHeader,
} from "./frame.ts";

/** "DERP" and U+1F511. */
const MAGIC = new Uint8Array([0x44, 0x45, 0x52, 0x50, 0xf0, 0x9f, 0x94, 0x91]);

/** A frame: 1B type, 4B length, the payload's parts. */
export function encodeFrame(
  type: FrameType,
  ...parts: readonly Uint8Array[]
): Uint8Array {
  const frame = concatBytes(new Uint8Array(FRAME_HEADER_BYTES), ...parts);
  const payloadBytes = frame.length - FRAME_HEADER_BYTES;
  writeFrameHeader(frame, type, { offset: 0, payloadBytes });
  return frame;
}

/** ServerKey: 8B magic, 32B key. */
export function encodeServerKey(key: NodePublic): Uint8Array {
  return encodeFrame(FrameType.ServerKey, MAGIC, key.bytes);
}

/**
 * The key in a ServerKey payload; bytes after it are ignored.
 *
 * @throws ProtocolError "magic"
 */
export function decodeServerKey(payload: Uint8Array): NodePublic {
  if (!equalBytes(payload.subarray(0, MAGIC.length), MAGIC)) {
    throw new ProtocolError(
      "magic",
      "ServerKey frame without DERP's magic number",
    );
  }
  return NodePublic.fromBytes(payload, MAGIC.length);
}

/** PeerGone: 32B key, 1B reason. */
export function encodePeerGone(
  key: NodePublic,
  reason: PeerGoneReason,
): Uint8Array {
  return encodeFrame(FrameType.PeerGone, key.bytes, Uint8Array.of(reason));
}

/** Who is connected, from where, and as what. */
export interface PeerPresent {
  readonly key: NodePublic;
  readonly ip: string;
  readonly port: number;
  readonly flags: number;
}

const PEER_PRESENT_BYTES = 32 + 16 + 2 + 1;

/** PeerPresent: 32B key, 16B IP (an unknown one is all zero), 2B port, 1B flags. */
export function encodePeerPresent(peer: PeerPresent): Uint8Array {
  const payload = new Uint8Array(PEER_PRESENT_BYTES);
  payload.set(peer.key.bytes);
  const ip = parseIp(peer.ip);
  if (ip) payload.set(ip, 32);
  writeUint16(payload, peer.port, 48);
  payload[50] = peer.flags;
  return encodeFrame(FrameType.PeerPresent, payload);
}

/** Decodes a PeerPresent; old relays leave out the flags, and older ones the address. */
export function decodePeerPresent(payload: Uint8Array): PeerPresent {
  const hasAddress = payload.length >= 50;
  return {
    key: NodePublic.fromBytes(payload),
    ip: hasAddress ? formatIp(payload.subarray(32, 48)) : "",
    port: hasAddress ? readUint16(payload, 48) : 0,
    flags: payload[50] ?? 0,
  };
}

/** KeepAlive: empty. */
export const KEEP_ALIVE: Uint8Array = encodeFrame(FrameType.KeepAlive);

/** WatchConns: empty. */
export const WATCH_CONNS: Uint8Array = encodeFrame(FrameType.WatchConns);

/** Pong: the first 8 bytes of the Ping. */
export function encodePong(pingPayload: Uint8Array): Uint8Array {
  return encodeFrame(FrameType.Pong, pingPayload.subarray(0, 8));
}

/** Health: text. An empty one clears the one before. */
export function encodeHealth(text: string): Uint8Array {
  return encodeFrame(FrameType.Health, new TextEncoder().encode(text));
}

/** When a client should come back, and for how long it should try before it looks elsewhere. */
export interface Restarting {
  readonly reconnectInMs: number;
  readonly tryForMs: number;
}

/** Restarting: 4B reconnect in, 4B try for, both whole milliseconds. */
export function encodeRestarting(
  { reconnectInMs, tryForMs }: Restarting,
): Uint8Array {
  const payload = new Uint8Array(8);
  writeUint32(payload, reconnectInMs, 0);
  writeUint32(payload, tryForMs, 4);
  return encodeFrame(FrameType.Restarting, payload);
}
