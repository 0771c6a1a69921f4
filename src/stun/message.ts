/** The part of STUN (RFC 5389) that Tailscale nodes speak: Binding Request in, Binding Success out. */
import {
  readUint16,
  readUint32,
  writeUint16,
  writeUint32,
} from "../util/bytes.ts";

/** Type, length of what follows, magic cookie, transaction id (RFC 5389, section 6). */
export const HEADER_BYTES = 20;
/** RFC 5389, section 6. */
export const MAGIC_COOKIE = 0x2112a442;
/** A second magic number, which FINGERPRINT is mixed with (RFC 5389, section 15.5). */
const FINGERPRINT_XOR = 0x5354554e;
/** Type, length, CRC-32. */
export const FINGERPRINT_BYTES = 8;

/** RFC 5389, section 6: class and method. */
export const MessageType = {
  BindingRequest: 0x0001,
  BindingSuccess: 0x0101,
} as const;

/** RFC 5389, section 18.2. */
export const Attribute = {
  XorMappedAddress: 0x0020, // 1B zero + 1B family + 2B port + 4B or 16B address
  Software: 0x8022, // text
  Fingerprint: 0x8028, // 4B CRC-32 of all that precedes this attribute
} as const;

/** RFC 5389, section 15.1. */
export const Family = { ipv4: 1, ipv6: 2 } as const;

/** What stock clients call themselves; derper answers nobody else. */
export const SOFTWARE: Uint8Array = new TextEncoder().encode("tailnode");

/** What a datagram is: a request to answer, or why it gets no answer. */
export type DatagramKind =
  | "request"
  | "not_stun"
  | "not_binding_request"
  | "malformed"
  | "wrong_software"
  | "no_fingerprint"
  | "wrong_fingerprint";

/** Tells whether `datagram` is a Binding Request of a Tailscale node, whole and unharmed. */
export function classifyDatagram(datagram: Uint8Array): DatagramKind {
  const length = datagram.length;
  if (
    length < HEADER_BYTES || datagram[0]! > 0x3f ||
    readUint32(datagram, 4) !== MAGIC_COOKIE
  ) {
    return "not_stun";
  }
  if (readUint16(datagram, 0) !== MessageType.BindingRequest) {
    return "not_binding_request";
  }
  if (readUint16(datagram, 2) !== length - HEADER_BYTES) return "malformed";
  return classifyAttributes(datagram);
}

/** The same for what follows the header. */
function classifyAttributes(datagram: Uint8Array): DatagramKind {
  const length = datagram.length;
  let fromTailscale = false;
  let last = 0;
  let lastLength = 0;
  for (let at = HEADER_BYTES; at < length;) {
    if (length - at < 4) return "malformed";
    last = readUint16(datagram, at);
    lastLength = readUint16(datagram, at + 2);
    const value = at + 4;
    at = value + (lastLength + 3 & ~3); // values are padded to 4 bytes
    if (at > length) return "malformed";
    if (
      last === Attribute.Software && isSoftware(datagram, value, lastLength)
    ) {
      fromTailscale = true;
    }
  }
  if (!fromTailscale) return "wrong_software";
  if (last !== Attribute.Fingerprint || lastLength !== 4) {
    return "no_fingerprint";
  }
  return fingerprint(datagram, length - FINGERPRINT_BYTES) ===
      readUint32(datagram, length - 4)
    ? "request"
    : "wrong_fingerprint";
}

function isSoftware(from: Uint8Array, offset: number, length: number): boolean {
  if (length !== SOFTWARE.length) return false;
  for (let i = 0; i < length; i++) {
    if (from[offset + i] !== SOFTWARE[i]) return false;
  }
  return true;
}

/** CRC-32 by table (ISO 3309, reflected), as FINGERPRINT wants it. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = crc & 1 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
  }
  return crc;
});

/** The value of a FINGERPRINT attribute that follows the first `length` bytes of `message`. */
export function fingerprint(message: Uint8Array, length: number): number {
  let crc = ~0;
  for (let i = 0; i < length; i++) {
    crc = crc >>> 8 ^ CRC_TABLE[(crc ^ message[i]!) & 0xff]!;
  }
  return (~crc ^ FINGERPRINT_XOR) >>> 0;
}

/** Makes Binding Success messages in memory of its own, one for each address family. */
export class ResponseEncoder {
  readonly #ipv4 = successTemplate(Family.ipv4, 4);
  readonly #ipv6 = successTemplate(Family.ipv6, 16);

  /**
   * The answer to `request`, which came from the 4 or 16 bytes of `ip` and `port`.
   * It is valid until the next call, and at most 4 bytes longer than the shortest request.
   */
  encode(request: Uint8Array, ip: Uint8Array, port: number): Uint8Array {
    const response = ip.length === 4 ? this.#ipv4 : this.#ipv6;
    for (let i = 8; i < HEADER_BYTES; i++) response[i] = request[i]!;
    const value = HEADER_BYTES + 4;
    writeUint16(response, port ^ MAGIC_COOKIE >>> 16, value + 2);
    // Cookie and transaction id stand next to each other, just as the address is mixed with them.
    for (let i = 0; i < ip.length; i++) {
      response[value + 4 + i] = ip[i]! ^ response[4 + i]!;
    }
    return response;
  }
}

/** A Binding Success without transaction id, port and address. */
function successTemplate(family: number, addressBytes: number): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + 8 + addressBytes);
  writeUint16(message, MessageType.BindingSuccess, 0);
  writeUint16(message, message.length - HEADER_BYTES, 2);
  writeUint32(message, MAGIC_COOKIE, 4);
  writeUint16(message, Attribute.XorMappedAddress, HEADER_BYTES);
  writeUint16(message, 4 + addressBytes, HEADER_BYTES + 2);
  message[HEADER_BYTES + 5] = family;
  return message;
}
