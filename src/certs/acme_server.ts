/** What certificates by ACME (RFC 8555) need of an ACME server, so that tests can have one without a network. */

/** A certificate to be issued. */
export interface CertificateOrder {
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  /** The account's private key, PKCS #8 in PEM. */
  readonly accountKey: string;
  /** The certificate's private key, PKCS #8 in PEM. */
  readonly certificateKey: string;
  /** DER of the certificate that the new one takes the place of. */
  readonly replaces: Uint8Array | undefined;
  /** Answers to open HTTP-01 challenges by token; there only while the server may ask for them. */
  readonly answers: Map<string, string>;
}

/** When an ACME server wants a certificate to be renewed (RFC 9773). */
export interface RenewalInfo {
  readonly start: Date;
  readonly end: Date;
  /** How long the server wants to be left alone. */
  readonly retryAfterMs: number | undefined;
}

/** An ACME server, as far as {@linkcode AcmeSource} knows one. */
export interface AcmeServer {
  /**
   * The PEM chain for an order.
   *
   * @throws AcmeError where the server says no; other errors where it can't be understood
   */
  issue(order: CertificateOrder, signal: AbortSignal): Promise<string>;
  /** The server's advice for the certificate with this DER; undefined where it gives none. */
  renewalInfo(
    certificate: Uint8Array,
    signal: AbortSignal,
  ): Promise<RenewalInfo | undefined>;
}

/** What an {@linkcode AcmeError} knows besides its message. */
export interface AcmeErrorDetails {
  /** The last part of the problem's type (RFC 8555, 6.7), for example "rateLimited". */
  readonly type?: string | undefined;
  /** Names that the server won't certify. */
  readonly refused?: readonly string[];
  /** How long the server wants to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

/** The ACME server's own words for why there is no certificate. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  readonly type: string | undefined;
  readonly refused: readonly string[];
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: AcmeErrorDetails = {}) {
    super(message);
    this.type = details.type;
    this.refused = details.refused ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}
