/**
 * The fields of an X.509 certificate (RFC 5280) that decide whether it can be
 * served. The runtime's own reader lacks most of them on Deno 2.6.
 */
import { toHex } from "../util/bytes.ts";
import { contextTag, DerReader, DerTag } from "./der_reader.ts";

/** What is known of a certificate. Nothing about it has been verified. */
export interface ParsedCertificate {
  readonly bytes: Uint8Array;
  /** Distinguished names in DER, for comparison. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The bits of SubjectPublicKeyInfo: a point, a raw key, or RSA's two numbers. */
  readonly publicKey: Uint8Array;
  readonly dnsNames: readonly string[];
  /** 4 or 16 bytes each. */
  readonly ips: readonly Uint8Array[];
}

/** 2.5.29.17, subjectAltName. */
const SUBJECT_ALT_NAME = "551d11";
/** GeneralName (RFC 5280, 4.2.1.6): [2] and [7], implicit. */
const DNS_NAME_TAG = 0x82;
const IP_ADDRESS_TAG = 0x87;

/** Parses one certificate; throws a SyntaxError where `bytes` isn't one. */
export function parseCertificate(bytes: Uint8Array): ParsedCertificate {
  const outer = new DerReader(bytes);
  const certificate = outer.enter(DerTag.sequence);
  outer.end();
  const tbs = certificate.enter(DerTag.sequence);
  tbs.readOptional(contextTag(0)); // version
  tbs.read(DerTag.integer); // serial number
  tbs.read(DerTag.sequence); // signature algorithm
  const issuer = tbs.read(DerTag.sequence).whole;
  const validity = tbs.enter(DerTag.sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  const subject = tbs.read(DerTag.sequence).whole;
  const publicKeyInfo = tbs.enter(DerTag.sequence);
  publicKeyInfo.read(DerTag.sequence); // its algorithm
  const publicKey = publicKeyInfo.readBitString();
  const names = readNames(tbs);
  return {
    bytes,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    ...names,
  };
}

function readTime(validity: DerReader): Date {
  const { tag, content } = validity.next();
  const digits = new TextDecoder().decode(content);
  const valid = tag === DerTag.utcTime
    ? /^\d{12}Z$/.test(digits)
    : tag === DerTag.generalizedTime && /^\d{14}Z$/.test(digits);
  const full = digits.length === 15 ? digits : century(digits) + digits;
  const date = new Date(
    full.replace(/^(....)(..)(..)(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  if (!valid || Number.isNaN(date.getTime())) {
    throw new SyntaxError(`Cannot read a certificate: "${digits}" is no date`);
  }
  return date;
}

/** UTCTime has two digits for the year: 1950 to 2049 (RFC 5280, 4.1.2.5.1). */
function century(utcTime: string): string {
  return utcTime < "50" ? "20" : "19";
}

/** The names in the subjectAltName extension of what follows the public key. */
function readNames(
  tbs: DerReader,
): Pick<ParsedCertificate, "dnsNames" | "ips"> {
  const dnsNames: string[] = [];
  const ips: Uint8Array[] = [];
  for (const value of subjectAltNames(tbs)) {
    if (value.tag === DNS_NAME_TAG) {
      dnsNames.push(printable(value.content));
    } else if (value.tag === IP_ADDRESS_TAG) {
      if (value.content.length !== 4 && value.content.length !== 16) {
        throw new SyntaxError("Cannot read a certificate: malformed IP name");
      }
      ips.push(value.content);
    }
  }
  return { dnsNames, ips };
}

function* subjectAltNames(tbs: DerReader) {
  for (const { id, value } of extensions(tbs)) {
    if (id !== SUBJECT_ALT_NAME) continue;
    const names = new DerReader(value).enter(DerTag.sequence);
    while (names.peekTag() !== undefined) yield names.next();
  }
}

/** The extensions in what follows the public key, each with its identifier in hexadecimal. */
export function* extensions(
  tbs: DerReader,
): Generator<{ readonly id: string; readonly value: Uint8Array }> {
  tbs.readOptional(0x81); // unique identifiers, which nobody uses
  tbs.readOptional(0x82);
  if (tbs.peekTag() !== contextTag(3)) return;
  const list = tbs.enter(contextTag(3)).enter(DerTag.sequence);
  while (list.peekTag() !== undefined) {
    const extension = list.enter(DerTag.sequence);
    const id = toHex(extension.read(DerTag.objectId).content);
    extension.readOptional(DerTag.boolean); // critical
    const value = extension.read(DerTag.octetString).content;
    yield { id, value };
  }
}

/** ASCII as it is, anything else as "?": names end up in one-line messages. */
function printable(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes)
    .replace(/[^\x21-\x7e]/g, "?");
}
