/** Writes ASN.1 in DER (X.690). */
import { concatBytes } from "../util/bytes.ts";
import { DerTag } from "./der_reader.ts";

/** One value: identifier `tag`, length, and `parts` as its content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...parts);
  return concatBytes(
    Uint8Array.of(tag, ...lengthOctets(content.length)),
    content,
  );
}

/** A BIT STRING of whole octets. */
export function derBitString(bits: Uint8Array): Uint8Array {
  return der(DerTag.bitString, Uint8Array.of(0), bits);
}

/** A date as RFC 5280, 4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime from 2050 on. */
export function derTime(date: Date): Uint8Array {
  const digits = date.toISOString().slice(0, 19).replace(/[-T:]/g, "") + "Z";
  const utc = date.getUTCFullYear() < 2050;
  return der(
    utc ? DerTag.utcTime : DerTag.generalizedTime,
    new TextEncoder().encode(utc ? digits.slice(2) : digits),
  );
}

/** Short form under 128, else the number of octets and these (X.690, 8.1.3). */
function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return [0x80 | octets.length, ...octets];
}
