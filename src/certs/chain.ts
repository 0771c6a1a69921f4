/** The chain in a certificate file: it is parsed, and checked to be one. */
import { createHash } from "node:crypto";
import { equalBytes } from "../util/bytes.ts";
import { OperatorError } from "../util/operator_error.ts";
import { listNames } from "./names.ts";
import { parsePem, type PemBlock } from "./pem.ts";
import type { CertificateFacts } from "./provider.ts";
import { parseCertificate, type ParsedCertificate } from "./x509.ts";

/** A host's certificate and the certificates of those who issued it, in this order. */
export type CertificateChain = readonly [
  ParsedCertificate,
  ...ParsedCertificate[],
];

/** Parses every certificate in `text`; throws an OperatorError that names `path`. */
export function parseChain(text: string, path: string): CertificateChain {
  const blocks = parseBlocks(text, path)
    .filter(({ label }) => label === "CERTIFICATE");
  const [leaf, ...issuers] = blocks.map(({ bytes }, i) => {
    try {
      return parseCertificate(bytes);
    } catch (cause) {
      throw new OperatorError(
        `Certificate "${path}" is damaged: block ${
          i + 1
        } of ${blocks.length} is not an X.509 certificate; copy it anew`,
        { cause },
      );
    }
  });
  if (leaf === undefined) {
    throw new OperatorError(
      `Certificate "${path}" holds no PEM "CERTIFICATE" block; write the chain into it, for DER: openssl x509 -inform DER -in <DER> -out <PEM>`,
    );
  }
  return [leaf, ...issuers];
}

/** Throws unless each certificate after the first issued one before it, as servers have to send them (RFC 5246, 7.4.2). */
export function checkOrder(chain: CertificateChain, path: string): void {
  for (const [i, { subject }] of chain.entries()) {
    const known = i === 0 ||
      chain.slice(0, i).some(({ issuer }) => equalBytes(issuer, subject));
    if (!known) {
      throw new OperatorError(
        `Certificate "${path}" is out of order: certificate ${
          i + 1
        } of ${chain.length} issued none of those before it; put the host's certificate first, then its issuer, then the issuer's`,
      );
    }
  }
}

function parseBlocks(text: string, path: string): PemBlock[] {
  try {
    return parsePem(text);
  } catch (cause) {
    throw new OperatorError(
      `Certificate "${path}" is damaged PEM text; copy it anew`,
      { cause },
    );
  }
}

/** What the listener, the ready line and the DERP map need to know of a chain. */
export function factsOf(chain: CertificateChain): CertificateFacts {
  const [leaf] = chain;
  return {
    names: listNames(leaf),
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    sha256: createHash("sha256").update(leaf.bytes).digest("hex"),
    selfSigned: equalBytes(leaf.issuer, leaf.subject),
    chainLength: chain.length,
  };
}
