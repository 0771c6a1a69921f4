/** A secret as setec keeps it. */

/** One version of a secret; it prints as a placeholder, never as itself. */
export class SecretValue {
  readonly #base64: string;
  readonly version: number;

  private constructor(base64: string, version: number) {
    this.#base64 = base64;
    this.version = version;
  }

  /** Takes `{"Value": base64, "Version": number}`; undefined for anything else. */
  static fromJson(json: unknown): SecretValue | undefined {
    if (typeof json !== "object" || json === null) return undefined;
    const { Value, Version } = json as Record<string, unknown>;
    return typeof Value === "string" && decode(Value) !== undefined &&
        typeof Version === "number" && Number.isInteger(Version)
      ? new SecretValue(Value, Version)
      : undefined;
  }

  equals(other: SecretValue): boolean {
    return this.#base64 === other.#base64 && this.version === other.version;
  }

  /** The secret itself, for whoever needs it and nothing else. */
  reveal(): string {
    return decode(this.#base64)!;
  }

  /** As it came, for the cache and nothing else. */
  revealJson(): { Value: string; Version: number } {
    return { Value: this.#base64, Version: this.version };
  }

  toString(): string {
    return `[secret, version ${this.version}]`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** The bytes of `base64` as text; undefined where it isn't that. */
function decode(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    return undefined;
  }
}
