/** Private keys for ACME: made here, kept as autocert keeps them, and handed to the library as PKCS #8. */
import { contextTag, DerReader, DerTag } from "./der_reader.ts";
import { der } from "./der_writer.ts";
import { formatPem, parsePem } from "./pem.ts";

/** 1.2.840.10045.2.1, id-ecPublicKey. */
const EC = der(
  DerTag.objectId,
  Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01),
);
/** 1.2.840.113549.1.1.1, rsaEncryption, and its NULL parameters. */
const RSA = der(
  DerTag.sequence,
  der(
    DerTag.objectId,
    Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01),
  ),
  der(0x05),
);
const VERSION_0 = der(DerTag.integer, Uint8Array.of(0));
const EXTRACTABLE = true;

/** A fresh P-256 key as one "EC PRIVATE KEY" block (RFC 5915), curve and public key included, as Go writes it. */
export async function makeEcKey(): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey } = await crypto.subtle.generateKey(
    algorithm,
    EXTRACTABLE,
    ["sign", "verify"],
  );
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", privateKey);
  const fields = new DerReader(new Uint8Array(pkcs8)).enter(DerTag.sequence);
  fields.read(DerTag.integer);
  const identifier = fields.enter(DerTag.sequence);
  identifier.read(DerTag.objectId);
  const curve = identifier.read(DerTag.objectId).whole;
  // The runtime's own export to this form leaves out the curve on Deno 2.6.
  const key = new DerReader(fields.read(DerTag.octetString).content)
    .enter(DerTag.sequence);
  const version = key.read(DerTag.integer).whole;
  const secret = key.read(DerTag.octetString).whole;
  key.readOptional(contextTag(0));
  const publicKey = key.read(contextTag(1)).whole;
  return formatPem(
    "EC PRIVATE KEY",
    der(DerTag.sequence, version, secret, der(contextTag(0), curve), publicKey),
  );
}

/** A private key in any of its three forms as PKCS #8; throws a SyntaxError where `pem` holds none. */
export function toPkcs8(pem: string): string {
  const block = parsePem(pem).find(({ label }) =>
    label.endsWith("PRIVATE KEY")
  );
  if (block === undefined) throw new SyntaxError("Cannot find a private key");
  switch (block.label) {
    case "PRIVATE KEY":
      return formatPem(block.label, block.bytes);
    case "RSA PRIVATE KEY":
      return wrap(RSA, block.bytes);
    case "EC PRIVATE KEY":
      return wrap(der(DerTag.sequence, EC, curveOf(block.bytes)), block.bytes);
    default:
      throw new SyntaxError(
        `Cannot use a private key of type "${block.label}"`,
      );
  }
}

/** PrivateKeyInfo (RFC 5958). */
function wrap(algorithm: Uint8Array, key: Uint8Array): string {
  return formatPem(
    "PRIVATE KEY",
    der(DerTag.sequence, VERSION_0, algorithm, der(DerTag.octetString, key)),
  );
}

function curveOf(ecPrivateKey: Uint8Array): Uint8Array {
  const fields = new DerReader(ecPrivateKey).enter(DerTag.sequence);
  fields.read(DerTag.integer);
  fields.read(DerTag.octetString);
  return fields.enter(contextTag(0)).read(DerTag.objectId).whole;
}
