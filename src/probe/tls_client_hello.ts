/** The ClientHello of TLS (RFC 8446, RFC 5246) that a probe begins a handshake with. */
import { concatBytes, writeUint16 } from "../util/bytes.ts";

/** Versions as they are on the wire. */
export const TlsVersion = { tls12: 0x0303, tls13: 0x0304 } as const;

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;

/** The extension that versions above 1.2 are agreed on with. */
export const SUPPORTED_VERSIONS = 0x002b;

/** AES-GCM and ChaCha20 of both versions, and the mark that renegotiation is safe (RFC 5746). */
const CIPHERS = [
  ...[0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030],
  ...[0xcca9, 0xcca8, 0x009c, 0x009d, 0x00ff],
];
const X25519 = 0x001d;
const GROUPS = [X25519, 0x0017, 0x0018];
/** ECDSA, RSA-PSS, RSA and Ed25519. */
const SIGNATURES = [
  ...[0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806],
  ...[0x0401, 0x0501, 0x0601, 0x0807],
];

/** What a hello offers; `random` are 64 bytes: those of the hello and a key share. */
export interface ClientHello {
  /** Undefined for a server that goes by its address. */
  readonly serverName: string | undefined;
  readonly offersTls13: boolean;
  readonly random: Uint8Array;
}

/** A ClientHello in one record. */
export function encodeClientHello(hello: ClientHello): Uint8Array {
  const { random, offersTls13 } = hello;
  const body = concatBytes(
    uint16(TlsVersion.tls12), // as legacy_version, also for TLS 1.3
    random.subarray(0, 32),
    vector(1, new Uint8Array()), // no session
    vector(2, uint16s(CIPHERS)),
    vector(1, Uint8Array.of(0)), // no compression
    vector(2, concatBytes(...extensions(hello, offersTls13))),
  );
  const message = concatBytes(
    Uint8Array.of(CLIENT_HELLO),
    vector(3, body),
  );
  return concatBytes(
    Uint8Array.of(HANDSHAKE_RECORD, 3, 1),
    vector(2, message),
  );
}

function extensions(
  { serverName, random }: ClientHello,
  offersTls13: boolean,
): Uint8Array[] {
  const list = [
    extension(0x000a, vector(2, uint16s(GROUPS))),
    extension(0x000b, vector(1, Uint8Array.of(0))), // uncompressed points
    extension(0x000d, vector(2, uint16s(SIGNATURES))),
    extension(0x0017, new Uint8Array()), // extended master secret
  ];
  if (serverName !== undefined) {
    const name = vector(2, new TextEncoder().encode(serverName));
    const entry = concatBytes(Uint8Array.of(0), name);
    list.unshift(extension(0x0000, vector(2, entry)));
  }
  if (offersTls13) {
    const versions = uint16s([TlsVersion.tls13, TlsVersion.tls12]);
    const share = concatBytes(
      uint16(X25519),
      vector(2, random.subarray(32, 64)),
    );
    list.push(extension(SUPPORTED_VERSIONS, vector(1, versions)));
    list.push(extension(0x0033, vector(2, share)));
  }
  return list;
}

function uint16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  writeUint16(bytes, value, 0);
  return bytes;
}

function uint16s(values: readonly number[]): Uint8Array {
  return concatBytes(...values.map(uint16));
}

/** The length in as many bytes, then `bytes`. */
function vector(lengthBytes: 1 | 2 | 3, bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const head = Uint8Array.of(length >>> 16, length >>> 8, length);
  return concatBytes(head.subarray(3 - lengthBytes), bytes);
}

function extension(type: number, value: Uint8Array): Uint8Array {
  return concatBytes(uint16(type), vector(2, value));
}
