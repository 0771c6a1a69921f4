/** Makes a certificate for a relay that has an IP address and no name. */
import { generateKeyPairSync } from "node:crypto";
import { parseIp, shortestIp } from "../util/ip.ts";
import { DerTag } from "./der_reader.ts";
import { der } from "./der_writer.ts";
import { extension, makeCertificate, NO_CA } from "./make_certificate.ts";
import { formatPem } from "./pem.ts";

/** A fresh certificate and its private key, each one PEM block. */
export interface SelfSigned {
  readonly certPem: string;
  readonly keyPem: string;
}

const VALID_YEARS = 10;
/** For clients whose clock is behind. */
const BACKDATED_MS = 60 * 60 * 1000;
const SERIAL_BYTES = 16;

/** keyUsage: digitalSignature and keyEncipherment, the first and third of 8 bits, 5 of them unused. */
const KEY_USAGE = extension(
  0x0f,
  der(DerTag.bitString, Uint8Array.of(5, 0xa0)),
  { isCritical: true },
);
/** extKeyUsage: 1.3.6.1.5.5.7.3.1, serverAuth. */
const FOR_SERVERS = extension(
  0x25,
  der(
    DerTag.sequence,
    der(
      DerTag.objectId,
      Uint8Array.of(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01),
    ),
  ),
  { isCritical: false },
);
/** iPAddress of GeneralName (RFC 5280, 4.2.1.6). */
const IP_ADDRESS_TAG = 0x87;

/**
 * A self-signed P-256 certificate for `ip`, valid for ten years.
 *
 * @throws TypeError where `ip` is no IP address
 */
export function makeSelfSigned(ip: string, now: Date): SelfSigned {
  const address = parseIp(ip);
  if (address === undefined) throw new TypeError(`"${ip}" is no IP address`);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subjectAltName = der(
    DerTag.sequence,
    der(IP_ADDRESS_TAG, shortestIp(address)),
  );
  const certificate = makeCertificate({
    serial: randomSerial(),
    commonName: ip,
    notBefore: new Date(now.getTime() - BACKDATED_MS),
    notAfter: yearsLater(now),
    extensions: [
      KEY_USAGE,
      FOR_SERVERS,
      NO_CA,
      extension(0x11, subjectAltName, { isCritical: false }),
    ],
  }, privateKey);
  return {
    certPem: formatPem("CERTIFICATE", certificate),
    keyPem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

/** Positive and of at most 20 octets (RFC 5280, 4.1.2.2). */
function randomSerial(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_BYTES));
  bytes[0] = bytes[0]! & 0x7f | 0x40;
  return bytes;
}

function yearsLater(now: Date): Date {
  const date = new Date(now);
  date.setUTCFullYear(date.getUTCFullYear() + VALID_YEARS);
  return date;
}
