/** A certificate by ACME: checked before anybody is served with it. */
import { equalBytes } from "../util/bytes.ts";
import type { NodePublic } from "../keys/node_key.ts";
import { checkOrder, factsOf, parseChain } from "./chain.ts";
import { makeMetaCert } from "./meta_cert.ts";
import { isForHostname } from "./names.ts";
import { formatPem } from "./pem.ts";
import { parsePrivateKey } from "./private_key.ts";
import { ServedCertificate } from "./provider.ts";

/** How much a clock may be behind the CA's, which dates certificates from now. */
const SKEW_MS = 10 * 60 * 1000;

/** What a certificate has to be good for. */
export interface AcmeCertificateOptions {
  /** Whence it came, for messages. */
  readonly origin: string;
  /** It must be for this name. */
  readonly hostname: string;
  /** Goes into the meta certificate. */
  readonly serverKey: NodePublic;
  readonly now: Date;
}

/** What can be served, and the host's certificate in DER. */
export interface AcmeCertificate {
  readonly served: ServedCertificate;
  readonly leaf: Uint8Array;
  /** The chain as PEM and nothing else, without the meta certificate. */
  readonly chain: string;
  /** Whether a client that wants `name` accepts it. */
  isFor(name: string): boolean;
}

/** Private key and chain, PEM in one text, checked; throws an OperatorError or Error that says what is wrong. */
export function parseAcmeCertificate(
  text: string,
  { origin, hostname, serverKey, now }: AcmeCertificateOptions,
): AcmeCertificate {
  const chain = parseChain(text, origin);
  const key = parsePrivateKey(text, origin);
  checkOrder(chain, origin);
  const [leaf] = chain;
  const { notBefore, notAfter } = leaf;
  const wrong = (what: string) => new Error(`certificate "${origin}" ${what}`);
  if (!equalBytes(leaf.publicKey, key.publicKey)) {
    throw wrong("does not belong to its private key");
  }
  if (now > notAfter) throw wrong(`expired on ${notAfter.toISOString()}`);
  if (now.getTime() < notBefore.getTime() - SKEW_MS) {
    throw wrong(
      `is not valid before ${notBefore.toISOString()}, and the clock says ${now.toISOString()}`,
    );
  }
  if (!isForHostname(leaf, hostname)) throw wrong(`is not for "${hostname}"`);
  const chainPem = chain
    .map(({ bytes }) => formatPem("CERTIFICATE", bytes)).join("");
  return {
    served: new ServedCertificate(factsOf(chain), {
      cert: chainPem + makeMetaCert(serverKey, now),
      key: key.pem,
    }),
    leaf: leaf.bytes,
    chain: chainPem,
    isFor: (name) => isForHostname(leaf, name),
  };
}
