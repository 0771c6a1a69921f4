/** The certificate that the listener serves. */

const DAY_MS = 24 * 60 * 60 * 1000;

/** What the listener, the ready line and the DERP map need to know of a certificate. */
export interface CertificateFacts {
  /** DNS names and addresses that it is for. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hexadecimal SHA-256 of the first certificate's DER. */
  readonly sha256: string;
  readonly selfSigned: boolean;
  /** How many certificates the file has; the meta certificate isn't counted. */
  readonly chainLength: number;
}

/** What Deno.listenTls takes. */
export interface TlsKeyPair {
  readonly cert: string;
  readonly key: string;
}

/** A checked chain with the meta certificate at its end, and its private key, which doesn't print. */
export class ServedCertificate {
  readonly facts: CertificateFacts;
  readonly #pair: TlsKeyPair;

  constructor(facts: CertificateFacts, pair: TlsKeyPair) {
    this.facts = facts;
    this.#pair = pair;
  }

  /** Whole days until it expires; negative after that. */
  daysLeft(now: Date): number {
    return Math.floor((this.facts.notAfter.getTime() - now.getTime()) / DAY_MS);
  }

  /** PEM chain and private key, for the listener and nothing else. */
  tlsKeyPair(): TlsKeyPair {
    return this.#pair;
  }
}
