/** Big-endian numbers, hexadecimal, and comparison of byte strings. */

/** Reads the unsigned 32-bit big-endian number at `offset`. */
export function readUint32(from: Uint8Array, offset: number): number {
  return (from[offset]! << 24 | from[offset + 1]! << 16 |
    from[offset + 2]! << 8 | from[offset + 3]!) >>> 0;
}

/** Writes `value` as an unsigned 32-bit big-endian number at `offset`. */
export function writeUint32(
  into: Uint8Array,
  value: number,
  offset: number,
): void {
  into[offset] = value >>> 24;
  into[offset + 1] = value >>> 16;
  into[offset + 2] = value >>> 8;
  into[offset + 3] = value;
}

/** Reads the unsigned 16-bit big-endian number at `offset`. */
export function readUint16(from: Uint8Array, offset: number): number {
  return from[offset]! << 8 | from[offset + 1]!;
}

/** Writes `value` as an unsigned 16-bit big-endian number at `offset`. */
export function writeUint16(
  into: Uint8Array,
  value: number,
  offset: number,
): void {
  into[offset] = value >>> 8;
  into[offset + 1] = value;
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/** The bytes of `hex`, or undefined where it isn't `length` bytes of lower- or upper-case hexadecimal. */
export function fromHex(hex: string, length: number): Uint8Array | undefined {
  if (hex.length !== length * 2 || !/^[0-9a-fA-F]*$/.test(hex)) {
    return undefined;
  }
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    bytes[i] = parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  }
  return bytes;
}

/** Equality in a time that depends on the length alone, for secrets. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** Equality that stops at the first difference, for public values. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** One byte string of all `parts`. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
