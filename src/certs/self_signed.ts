/** Makes a certificate for a relay that has an IP address and no name. */
import { toHex } from "../util/bytes.ts";
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
const EXTRACTABLE = true;
const IS_CA = false;
const CRITICAL = true;

/** A self-signed P-256 certificate for `ip`, valid for ten years. */
export async function makeSelfSigned(
  ip: string,
  now: Date,
): Promise<SelfSigned> {
  // Loaded here, as they take 30 MB and 150 ms and are needed once in ten years.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(
    algorithm,
    EXTRACTABLE,
    ["sign", "verify"],
  );
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ CN: [ip] }],
    notBefore: new Date(now.getTime() - BACKDATED_MS),
    notAfter: yearsLater(now),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature |
          x509.KeyUsageFlags.keyEncipherment,
        CRITICAL,
      ),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.BasicConstraintsExtension(IS_CA, undefined, CRITICAL),
      new x509.SubjectAlternativeNameExtension([{ type: "ip", value: ip }]),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certPem: formatPem("CERTIFICATE", new Uint8Array(certificate.rawData)),
    keyPem: formatPem("PRIVATE KEY", new Uint8Array(pkcs8)),
  };
}

/** Positive and of at most 20 octets (RFC 5280, 4.1.2.2), as hexadecimal. */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_BYTES));
  bytes[0] = bytes[0]! & 0x7f | 0x40;
  return toHex(bytes);
}

function yearsLater(now: Date): Date {
  const date = new Date(now);
  date.setUTCFullYear(date.getUTCFullYear() + VALID_YEARS);
  return date;
}
