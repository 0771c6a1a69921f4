/** Makes X.509 certificates that sign themselves (RFC 5280). */
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { contextTag, DerTag } from "./der_reader.ts";
import { der, derBitString, derTime } from "./der_writer.ts";

/** What is written into a certificate. */
export interface CertificateContent {
  /** Big endian; the first bit is not set. */
  readonly serial: Uint8Array;
  /** Of subject and issuer; of letters, digits, ".", ":" and "-". */
  readonly commonName: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Each made by `extension()`. */
  readonly extensions: readonly Uint8Array[];
}

/** What marks an extension that whoever doesn't know it must not ignore. */
const CRITICAL = der(DerTag.boolean, Uint8Array.of(0xff));

/** basicConstraints of who is no authority. */
export const NO_CA = extension(0x13, der(DerTag.sequence), {
  isCritical: true,
});

const VERSION_3 = der(contextTag(0), der(DerTag.integer, Uint8Array.of(2)));

/** 2.5.4.3. */
const COMMON_NAME = der(DerTag.objectId, Uint8Array.of(0x55, 0x04, 0x03));

/** How a certificate says that a key of this type has signed it, and the hash that goes with it. */
const SIGNATURES = {
  /** 1.3.101.112 (RFC 8410). */
  ed25519: {
    algorithm: algorithmIdentifier(0x2b, 0x65, 0x70),
    hash: null,
  },
  /** 1.2.840.10045.4.3.2, ecdsa-with-SHA256 (RFC 5758). */
  ec: {
    algorithm: algorithmIdentifier(
      0x2a,
      0x86,
      0x48,
      0xce,
      0x3d,
      0x04,
      0x03,
      0x02,
    ),
    hash: "sha256",
  },
} as const;

/** The extension 2.5.29.`number` (id-ce). */
export function extension(
  number: number,
  value: Uint8Array,
  { isCritical }: { isCritical: boolean },
): Uint8Array {
  return der(
    DerTag.sequence,
    der(DerTag.objectId, Uint8Array.of(0x55, 0x1d, number)),
    ...isCritical ? [CRITICAL] : [],
    der(DerTag.octetString, value),
  );
}

/** A certificate for the public half of `signer`, an Ed25519 or P-256 key, in DER. */
export function makeCertificate(
  content: CertificateContent,
  signer: KeyObject,
): Uint8Array {
  const { algorithm, hash } =
    SIGNATURES[signer.asymmetricKeyType as keyof typeof SIGNATURES];
  const name = distinguishedName(content.commonName);
  const toBeSigned = der(
    DerTag.sequence,
    VERSION_3,
    der(DerTag.integer, content.serial),
    algorithm,
    name, // issuer
    der(
      DerTag.sequence,
      derTime(content.notBefore),
      derTime(content.notAfter),
    ),
    name, // subject
    createPublicKey(signer).export({ format: "der", type: "spki" }),
    der(contextTag(3), der(DerTag.sequence, ...content.extensions)),
  );
  const signature = sign(hash, toBeSigned, signer);
  return der(
    DerTag.sequence,
    toBeSigned,
    algorithm,
    derBitString(signature),
  );
}

/** AlgorithmIdentifier without parameters. */
function algorithmIdentifier(...content: number[]): Uint8Array {
  return der(
    DerTag.sequence,
    der(DerTag.objectId, Uint8Array.from(content)),
  );
}

function distinguishedName(commonName: string): Uint8Array {
  const value = new TextEncoder().encode(commonName);
  const attribute = der(
    DerTag.sequence,
    COMMON_NAME,
    der(DerTag.printableString, value),
  );
  return der(DerTag.sequence, der(DerTag.set, attribute));
}
