/** Reads ASN.1 in DER (X.690), as far as certificates and private keys need it. */

/** Identifier octets (X.690, 8.1.2) of what is read and written here. */
export const DerTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier octet of `[number]`, constructed as explicit tagging makes it. */
export function contextTag(number: number): number {
  return 0xa0 | number;
}

/** One value: `whole` is identifier, length and `content`. Both are views of the input. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** Lengths of more octets than this would be over 16 MiB. */
const MAX_LENGTH_OCTETS = 3;

/** Walks over a row of values; whatever doesn't fit is a SyntaxError. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The tag of the next value, undefined at the end. */
  peekTag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  /** The next value, which has to be a `tag`. */
  read(tag: number): DerElement {
    const element = this.next();
    if (element.tag !== tag) {
      throw new SyntaxError(
        `Cannot read DER: tag ${element.tag} stands where ${tag} has to be`,
      );
    }
    return element;
  }

  /** The next value where it is a `tag`; otherwise undefined, and nothing is read. */
  readOptional(tag: number): DerElement | undefined {
    return this.peekTag() === tag ? this.next() : undefined;
  }

  /** A reader of what the next value, a `tag`, contains. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content);
  }

  /** The bits of the next value, a BIT STRING of whole octets (X.690, 8.6). */
  readBitString(): Uint8Array {
    const { content } = this.read(DerTag.bitString);
    if (content[0] !== 0) {
      throw new SyntaxError(
        "Cannot read DER: a bit string has no whole octets",
      );
    }
    return content.subarray(1);
  }

  /** The next value, whichever it is. */
  next(): DerElement {
    const start = this.#offset;
    const tag = this.#octet();
    // All tags that certificates use have their number in the first octet.
    if ((tag & 0x1f) === 0x1f) {
      throw new SyntaxError("Cannot read DER: tag number over 30");
    }
    const length = this.#length();
    const contentStart = this.#offset;
    if (length > this.#bytes.length - contentStart) {
      throw new SyntaxError("Cannot read DER: it ends within a value");
    }
    this.#offset = contentStart + length;
    return {
      tag,
      content: this.#bytes.subarray(contentStart, this.#offset),
      whole: this.#bytes.subarray(start, this.#offset),
    };
  }

  /** Throws unless all has been read. */
  end(): void {
    if (this.#offset !== this.#bytes.length) {
      throw new SyntaxError(
        "Cannot read DER: more follows after the last value",
      );
    }
  }

  #length(): number {
    const first = this.#octet();
    if (first < 0x80) return first;
    const octets = first & 0x7f;
    if (octets === 0 || octets > MAX_LENGTH_OCTETS) {
      throw new SyntaxError("Cannot read DER: length of an impossible form");
    }
    let length = 0;
    for (let i = 0; i < octets; i++) length = length << 8 | this.#octet();
    return length;
  }

  #octet(): number {
    const octet = this.#bytes[this.#offset++];
    if (octet === undefined) {
      throw new SyntaxError("Cannot read DER: it ends within a value");
    }
    return octet;
  }
}
