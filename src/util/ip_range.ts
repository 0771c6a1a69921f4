/** Ranges of IP addresses in CIDR notation. */
import { isMappedIpv4, parseIp, parseIpv4 } from "./ip.ts";

/** How many bits the address of 16 bytes has in front of an IPv4 address. */
const V4_OFFSET_BITS = 96;

/** A range; an IPv4 address is never in one of IPv6, nor the other way round. */
export class IpRange {
  readonly #address: Uint8Array;
  readonly #isIpv4: boolean;
  /** Of the 16 bytes. */
  readonly #bits: number;

  private constructor(address: Uint8Array, isIpv4: boolean, bits: number) {
    this.#address = address;
    this.#isIpv4 = isIpv4;
    this.#bits = bits;
  }

  /** Parses for example `10.0.0.0/8` or `2001:db8::/32`; undefined where `text` isn't that. */
  static parse(text: string): IpRange | undefined {
    const [, host = "", length = ""] =
      /^([^/%]+)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? [];
    const address = parseIp(host);
    if (address === undefined) return undefined;
    const isIpv4 = parseIpv4(host) !== undefined;
    const bits = Number(length) + (isIpv4 ? V4_OFFSET_BITS : 0);
    return bits <= 128 ? new IpRange(address, isIpv4, bits) : undefined;
  }

  /** Whether the range has the address; never one with a zone, nor what is no address. */
  contains(ip: string): boolean {
    const bytes = ip.includes("%") ? undefined : parseIp(ip);
    if (bytes === undefined || isMappedIpv4(bytes) !== this.#isIpv4) {
      return false;
    }
    for (let bit = 0; bit < this.#bits; bit += 8) {
      const mask = 0xff00 >> Math.min(8, this.#bits - bit);
      const difference = bytes[bit >> 3]! ^ this.#address[bit >> 3]!;
      if (difference & mask & 0xff) return false;
    }
    return true;
  }
}
