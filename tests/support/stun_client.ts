/** The client's half of STUN, for tests: makes Binding Requests and reads the answers. */
import { fingerprint } from "../../src/stun/message.ts";
import { encodeBindingRequest } from "../../src/stun/request.ts";
import {
  concatBytes,
  readUint16,
  toHex,
  writeUint16,
  writeUint32,
} from "../../src/util/bytes.ts";

const COOKIE = [0x21, 0x12, 0xa4, 0x42];

/** One attribute, padded to 4 bytes. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + Math.ceil(value.length / 4) * 4);
  writeUint16(bytes, type, 0);
  writeUint16(bytes, value.length, 2);
  bytes.set(value, 4);
  return bytes;
}

/** A STUN message of `type` with `attributes`, and a correct FINGERPRINT behind them. */
export function stunMessage(
  type: number,
  txId: Uint8Array,
  ...attributes: Uint8Array[]
): Uint8Array {
  const body = concatBytes(...attributes);
  const head = new Uint8Array(20);
  writeUint16(head, type, 0);
  writeUint16(head, body.length + 8, 2);
  head.set(COOKIE, 4);
  head.set(txId, 8);
  const message = concatBytes(head, body, attribute(0x8028, new Uint8Array(4)));
  const end = message.length;
  writeUint32(message, fingerprint(message, end - 8), end - 4);
  return message;
}

/** SOFTWARE, as whoever `name` is. */
export function software(name: string): Uint8Array {
  return attribute(0x8022, new TextEncoder().encode(name));
}

/** The request of a stock client. */
export function bindingRequest(
  txId: Uint8Array = crypto.getRandomValues(new Uint8Array(12)),
): Uint8Array {
  return encodeBindingRequest(txId);
}

/** What a Binding Success says, the address in hexadecimal; throws where it isn't one with a single XOR-MAPPED-ADDRESS. */
export function parseBindingSuccess(
  message: Uint8Array,
): { txId: string; ip: string; port: number } {
  const length = readUint16(message, 2);
  const ipBytes = { 1: 4, 2: 16 }[message[25]!];
  if (
    readUint16(message, 0) !== 0x0101 || ipBytes === undefined ||
    length !== message.length - 20 || length !== 8 + ipBytes ||
    readUint16(message, 20) !== 0x0020 ||
    readUint16(message, 22) !== 4 + ipBytes
  ) {
    throw new Error(`Not a Binding Success: ${toHex(message)}`);
  }
  const mask = message.subarray(4, 20);
  return {
    txId: toHex(message.subarray(8, 20)),
    ip: toHex(message.subarray(28).map((byte, i) => byte ^ mask[i]!)),
    port: readUint16(message, 26) ^ 0x2112,
  };
}
