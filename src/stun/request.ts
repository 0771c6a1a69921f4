/** The client's side of STUN: the request of a Tailscale node, and the address in the answer. */
import {
  concatBytes,
  readUint16,
  readUint32,
  writeUint16,
  writeUint32,
} from "../util/bytes.ts";
import { shortestIp } from "../util/ip.ts";
import {
  Attribute,
  Family,
  fingerprint,
  FINGERPRINT_BYTES,
  HEADER_BYTES,
  MAGIC_COOKIE,
  MessageType,
  SOFTWARE,
} from "./message.ts";

/** What a relay says of where a request came from. */
export interface BindingAnswer {
  /** The 12 bytes of the request that it answers. */
  readonly txId: Uint8Array;
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array;
  readonly port: number;
}

const TX_ID_BYTES = 12;

/** A Binding Request as stock clients send it; `txId` are 12 bytes that nobody can guess. */
export function encodeBindingRequest(txId: Uint8Array): Uint8Array {
  const head = new Uint8Array(HEADER_BYTES);
  const software = attribute(Attribute.Software, SOFTWARE);
  const mark = attribute(Attribute.Fingerprint, new Uint8Array(4));
  writeUint16(head, MessageType.BindingRequest, 0);
  writeUint16(head, software.length + mark.length, 2);
  writeUint32(head, MAGIC_COOKIE, 4);
  head.set(txId.subarray(0, TX_ID_BYTES), 8);
  const message = concatBytes(head, software, mark);
  const end = message.length;
  writeUint32(message, fingerprint(message, end - FINGERPRINT_BYTES), end - 4);
  return message;
}

/** Decodes a Binding Success, of any server; undefined where `message` is none with an address. */
export function decodeBindingSuccess(
  message: Uint8Array,
): BindingAnswer | undefined {
  if (
    message.length < HEADER_BYTES ||
    readUint16(message, 0) !== MessageType.BindingSuccess ||
    readUint32(message, 4) !== MAGIC_COOKIE ||
    readUint16(message, 2) !== message.length - HEADER_BYTES
  ) {
    return undefined;
  }
  for (let at = HEADER_BYTES; at + 4 <= message.length;) {
    const length = readUint16(message, at + 2);
    const value = at + 4;
    if (value + length > message.length) return undefined;
    if (readUint16(message, at) === Attribute.XorMappedAddress) {
      return decodeAddress(message, message.subarray(value, value + length));
    }
    at = value + (length + 3 & ~3); // values are padded to 4 bytes
  }
  return undefined;
}

/** Cookie and transaction id stand next to each other, just as the address is mixed with them. */
function decodeAddress(
  message: Uint8Array,
  value: Uint8Array,
): BindingAnswer | undefined {
  const ipBytes = value.length - 4;
  const family = ipBytes === 4 ? Family.ipv4 : Family.ipv6;
  if ((ipBytes !== 4 && ipBytes !== 16) || value[1] !== family) {
    return undefined;
  }
  const ip = value.slice(4).map((byte, i) => byte ^ message[4 + i]!);
  return {
    txId: message.slice(8, HEADER_BYTES),
    ip: ipBytes === 16 ? shortestIp(ip) : ip,
    port: readUint16(value, 2) ^ MAGIC_COOKIE >>> 16,
  };
}

/** Type, length, and the value padded to 4 bytes. */
function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + (value.length + 3 & ~3));
  writeUint16(bytes, type, 0);
  writeUint16(bytes, value.length, 2);
  bytes.set(value, 4);
  return bytes;
}
