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

/** Where a certificate comes from, and the next one. */
export interface CertificateSource {
  /** What is to be served; undefined while there is none yet. */
  readonly current: ServedCertificate | undefined;
  /** Why there is none, or why a newer one wasn't taken; undefined when all is well. */
  readonly problem: string | undefined;
  /**
   * Gets the first certificate, or goes on trying; calls `onChange` for each
   * later change of `current`.
   *
   * @throws OperatorError for what an operator has to put right before a start
   */
  start(onChange: () => void): Promise<void>;
  /** Looks for a newer certificate now (SIGHUP). Never rejects. */
  reload(): Promise<void>;
  /** The answer to an ACME HTTP-01 challenge for `token`, where one is open. */
  challenge?(token: string): string | undefined;
  /** Ends timers and watches. */
  close(): Promise<void>;
}
