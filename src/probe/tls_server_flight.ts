/**
 * The beginning of a server's half of a TLS handshake (RFC 8446, RFC 5246): what
 * it chooses and, up to TLS 1.2, its certificates. The runtime shows neither.
 */
import { concatBytes, readUint16, toHex } from "../util/bytes.ts";
import { SUPPORTED_VERSIONS, TlsVersion } from "./tls_client_hello.ts";

const RecordType = { alert: 21, handshake: 22 } as const;
const HandshakeType = { serverHello: 2, certificate: 11 } as const;
const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_HEADER_BYTES = 4;
/** RFC 5246, section 6.2.3. */
const MAX_RECORD_BYTES = 16_384 + 2_048;
/** More than any chain has. */
const MAX_FLIGHT_BYTES = 128 * 1024;

/** Thrown where the bytes aren't TLS. */
export class NotTlsError extends Error {
  override readonly name = "NotTlsError";
}

/** What a server answers to a ClientHello, as far as it can be read. */
export class ServerFlight {
  /** The version that it chose. */
  version: number | undefined;
  /** In DER, the server's own first; absent with TLS 1.3, which encrypts them. */
  certificates: Uint8Array[] | undefined;
  /** The number of the alert that it ended the handshake with. */
  alert: number | undefined;
  #records: Uint8Array = new Uint8Array();
  #messages: Uint8Array = new Uint8Array();
  #bytes = 0;

  /** Whether nothing more can be learnt. */
  get isDone(): boolean {
    return this.alert !== undefined || this.certificates !== undefined ||
      this.version === TlsVersion.tls13;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @throws NotTlsError
   */
  push(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_FLIGHT_BYTES) throw new NotTlsError("it is too long");
    this.#records = concatBytes(this.#records, bytes);
    while (!this.isDone && this.#nextRecord());
  }

  #nextRecord(): boolean {
    const from = this.#records;
    if (from.length < RECORD_HEADER_BYTES) {
      if (from.length > 0) checkRecord(from[0]!, from[1] ?? 3);
      return false;
    }
    checkRecord(from[0]!, from[1]!);
    const end = RECORD_HEADER_BYTES + readUint16(from, 3);
    if (end > RECORD_HEADER_BYTES + MAX_RECORD_BYTES) {
      throw new NotTlsError("a record is too long");
    }
    if (from.length < end) return false;
    const content = from.slice(RECORD_HEADER_BYTES, end);
    this.#records = from.slice(end);
    if (from[0] === RecordType.alert) {
      this.alert = content[1] ?? 0;
    } else if (from[0] === RecordType.handshake) {
      this.#messages = concatBytes(this.#messages, content);
      while (!this.isDone && this.#nextMessage());
    }
    return true;
  }

  #nextMessage(): boolean {
    const from = this.#messages;
    if (from.length < HANDSHAKE_HEADER_BYTES) return false;
    const end = HANDSHAKE_HEADER_BYTES + readUint24(from, 1);
    if (end > MAX_FLIGHT_BYTES) throw new NotTlsError("a message is too long");
    if (from.length < end) return false;
    const body = from.slice(HANDSHAKE_HEADER_BYTES, end);
    this.#messages = from.slice(end);
    if (from[0] === HandshakeType.serverHello) {
      this.version = decodeVersion(new Fields(body));
    } else if (from[0] === HandshakeType.certificate) {
      this.certificates = decodeCertificates(new Fields(body));
    }
    return true;
  }
}

function checkRecord(type: number, major: number): void {
  if (type >= 20 && type <= 23 && major === 3) return;
  const begin = toHex(Uint8Array.of(type, major));
  throw new NotTlsError(`the answer begins with 0x${begin}`);
}

/** That of the extension, for TLS 1.3 hides behind 1.2 (RFC 8446, section 4.1.3). */
function decodeVersion(hello: Fields): number {
  const legacy = readUint16(hello.take(2), 0);
  hello.take(32); // random
  hello.vector(1); // session
  hello.take(3); // cipher, compression
  if (hello.isAtEnd) return legacy;
  const list = new Fields(hello.vector(2));
  while (!list.isAtEnd) {
    const type = readUint16(list.take(2), 0);
    const value = list.vector(2);
    if (type === SUPPORTED_VERSIONS && value.length === 2) {
      return readUint16(value, 0);
    }
  }
  return legacy;
}

function decodeCertificates(body: Fields): Uint8Array[] {
  const list = new Fields(body.vector(3));
  const found: Uint8Array[] = [];
  while (!list.isAtEnd) found.push(list.vector(3));
  return found;
}

/** Fields one behind the other. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(bytes: number): Uint8Array {
    const from = this.#at;
    this.#at += bytes;
    if (this.#at > this.#bytes.length) {
      throw new NotTlsError("a message is too short");
    }
    return this.#bytes.slice(from, this.#at);
  }

  vector(lengthBytes: 1 | 2 | 3): Uint8Array {
    const length = this.take(lengthBytes)
      .reduce((sum, byte) => sum * 256 + byte, 0);
    return this.take(length);
  }
}

function readUint24(from: Uint8Array, at: number): number {
  return from[at]! << 16 | readUint16(from, at + 1);
}
