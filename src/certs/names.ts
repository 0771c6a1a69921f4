/** Which host names a certificate is for (RFC 6125, and RFC 5280 4.2.1.6 for addresses). */
import { equalBytes } from "../util/bytes.ts";
import { formatShortIp, longestIp, parseIp } from "../util/ip.ts";
import type { ParsedCertificate } from "./x509.ts";

/** The bytes of `hostname` where it is an IP address and not a DNS name. */
export function hostnameIp(hostname: string): Uint8Array | undefined {
  return hostname.includes("%") ? undefined : parseIp(hostname);
}

/** Whether a client that wants `hostname` accepts the certificate; the common name counts for nothing. */
export function isForHostname(
  certificate: ParsedCertificate,
  hostname: string,
): boolean {
  const wanted = hostnameIp(hostname);
  if (wanted === undefined) {
    return certificate.dnsNames.some((name) => matches(name, hostname));
  }
  return certificate.ips.some((ip) => equalBytes(longestIp(ip), wanted));
}

/** All DNS names, then all addresses. */
export function listNames(certificate: ParsedCertificate): string[] {
  return [...certificate.dnsNames, ...certificate.ips.map(formatShortIp)];
}

/** A "*" stands for the whole first label and for nothing else (RFC 6125, 6.4.3). */
function matches(pattern: string, hostname: string): boolean {
  const wanted = hostname.toLowerCase().replace(/\.$/, "").split(".");
  const given = pattern.toLowerCase().split(".");
  return given.length === wanted.length &&
    wanted.every((label, i) =>
      label !== "" && (label === given[i] || (i === 0 && given[i] === "*"))
    );
}
