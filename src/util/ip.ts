/** IP addresses as text and as the 16 bytes that go over the wire. */
import { equalBytes } from "./bytes.ts";

/** ::ffff:0:0/96, the prefix of an IPv4 address within IPv6 (RFC 4291, 2.5.5.2). */
const V4_PREFIX = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

/** The 4 bytes of a dotted IPv4 address, or undefined. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) {
      return undefined;
    }
    bytes[i] = Number(part);
  }
  return bytes;
}

/** The 16 bytes of an IPv6 address, or of an IPv4 address as ::ffff:a.b.c.d, or undefined. */
export function parseIp(text: string): Uint8Array | undefined {
  const v4 = parseIpv4(text);
  if (v4) return longestIp(v4);
  const groups = parseGroups(text.replace(/%.*$/, ""));
  if (groups === undefined) return undefined;
  const bytes = new Uint8Array(16);
  for (const [i, group] of groups.entries()) {
    bytes[i * 2] = group >>> 8;
    bytes[i * 2 + 1] = group;
  }
  return bytes;
}

/** The eight 16-bit groups of an IPv6 address. */
function parseGroups(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) =>
    parseHalf(half, { mayEndInIpv4: i === halves.length - 1 })
  );
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  const gap = new Array<number>(8 - head.length - tail.length).fill(0);
  return [...head, ...gap, ...tail];
}

/** The groups before or after "::"; the address's last two may be a dotted IPv4 address. */
function parseHalf(
  half: string,
  { mayEndInIpv4 }: { mayEndInIpv4: boolean },
): number[] | undefined {
  if (half === "") return [];
  const groups: number[] = [];
  const parts = half.split(":");
  for (const [i, part] of parts.entries()) {
    const v4 = mayEndInIpv4 && i === parts.length - 1
      ? parseIpv4(part)
      : undefined;
    if (v4) {
      groups.push(v4[0]! << 8 | v4[1]!, v4[2]! << 8 | v4[3]!);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** Whether the 16 bytes are an IPv4 address as ::ffff:a.b.c.d. */
export function isMappedIpv4(ip: Uint8Array): boolean {
  return equalBytes(ip.subarray(0, 12), V4_PREFIX);
}

/** The 4 bytes of an IPv4 address within IPv6; the 16 bytes of any other as they are. */
export function shortestIp(ip: Uint8Array): Uint8Array {
  return isMappedIpv4(ip) ? ip.subarray(12) : ip;
}

/** The 16 bytes of an address of 4 or 16. */
export function longestIp(ip: Uint8Array): Uint8Array {
  if (ip.length === 16) return ip;
  const bytes = new Uint8Array(16);
  bytes.set(V4_PREFIX);
  bytes.set(ip, 12);
  return bytes;
}

/** `text` without an IPv6 zone, and an IPv4 address within IPv6 as plain IPv4. */
export function unmapIp(text: string): string {
  const ip = parseIp(text);
  return ip && isMappedIpv4(ip)
    ? ip.subarray(12).join(".")
    : text.replace(/%.*$/, "");
}

/** The text of 16 bytes: dotted for an IPv4 address, eight groups with the zeros as they are otherwise. */
export function formatIp(ip: Uint8Array): string {
  if (isMappedIpv4(ip)) return ip.subarray(12).join(".");
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push((ip[i]! << 8 | ip[i + 1]!).toString(16));
  }
  return groups.join(":");
}

/** What one person's addresses have in common: an IPv4 address is one, of IPv6 whoever has one has the /64. */
export function networkOf(text: string): string {
  const ip = parseIp(text);
  if (ip === undefined) return text;
  return formatIp(isMappedIpv4(ip) ? ip : ip.slice().fill(0, 8));
}

/** Host and port as they are written together: an IPv6 address in brackets; no host for all addresses. */
export function formatHostPort(host: string | undefined, port: number): string {
  return host?.includes(":") ? `[${host}]:${port}` : `${host ?? ""}:${port}`;
}

/** Private, shared, link-local and loopback addresses (RFC 6890), as text to match the start of. */
const NOT_PUBLIC =
  /^(0\.|10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1?$|f[cd]|fe[89ab])/i;

/** Whether others on the internet may reach `address`. */
export function isPublicIp(address: string): boolean {
  return parseIp(address) !== undefined && !NOT_PUBLIC.test(unmapIp(address));
}

/** Whether `address` leads back to who uses it. */
export function isLoopback(address: string): boolean {
  const ip = parseIp(address);
  if (ip === undefined) return false;
  return isMappedIpv4(ip)
    ? ip[12] === 127
    : ip[15] === 1 && ip.subarray(0, 15).every((byte) => byte === 0);
}

/** The text of 4 or 16 bytes as the runtime writes it: IPv4 within IPv6 as plain IPv4, IPv6 as short as RFC 5952 has it. */
export function formatShortIp(ip: Uint8Array): string {
  const text = formatIp(longestIp(ip));
  return text.includes(":")
    ? new URL(`http://[${text}]`).hostname.slice(1, -1)
    : text;
}

/** `text` as the runtime writes the same address; undefined where it is none. */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text);
  return ip && formatShortIp(ip);
}
