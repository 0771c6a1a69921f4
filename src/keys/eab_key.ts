/** The secret that binds an ACME account to an account that its operator has elsewhere (RFC 8555, section 7.3.4). */

/** An HMAC key; it prints as a placeholder, never as itself. */
export class EabKey {
  readonly #base64url: string;

  private constructor(base64url: string) {
    this.#base64url = base64url;
  }

  /** Parses both alphabets of base64, with padding or without; undefined where `text` is neither. */
  static parse(text: string): EabKey | undefined {
    const digits = text.trim().replace(/={1,2}$/, "");
    const isBase64 = /^(?:[A-Za-z0-9_-]+|[A-Za-z0-9+/]+)$/.test(digits) &&
      digits.length % 4 !== 1;
    return isBase64
      ? new EabKey(digits.replaceAll("+", "-").replaceAll("/", "_"))
      : undefined;
  }

  /** The key in base64url without padding, for the ACME library and nothing else. */
  reveal(): string {
    return this.#base64url;
  }

  toString(): string {
    return "[EAB key]";
  }

  toJSON(): string {
    return this.toString();
  }
}
