/** Orders of an ACME server (RFC 8555, 7.4) with a profile for addresses and the name of what they replace. */
import { isJsonObject } from "../util/json.ts";
import type { Client } from "acme-client";
import { renewalId } from "./acme_renewal_info.ts";
import { AcmeError, type CertificateOrder } from "./acme_server.ts";
import { hostnameIp } from "./names.ts";

/** The only profile for IP addresses that there is, of about six days (Let's Encrypt). */
const IP_PROFILE = "shortlived";

/** What to ask for, and the name of what it replaces (RFC 9773, 5). */
export function orderRequest(
  { names, replaces }: CertificateOrder,
  { meta, renewalInfo }: Record<string, unknown>,
): {
  request: Parameters<Client["createOrder"]>[0];
  replaces: object | undefined;
} {
  const identifiers = names.map((value) => ({
    type: hostnameIp(value) ? "ip" : "dns",
    value,
  }));
  const profiles = isJsonObject(meta) && isJsonObject(meta.profiles)
    ? meta.profiles
    : {};
  const isShort = identifiers.some(({ type }) => type === "ip") &&
    IP_PROFILE in profiles;
  const id = renewalInfo && replaces && renewalId(replaces);
  return {
    request: { identifiers, ...(isShort ? { profile: IP_PROFILE } : {}) },
    replaces: id ? { replaces: id } : undefined,
  };
}

/** That the server doesn't know the certificate, perhaps for it is another CA's, is no reason to have none. */
export function isAboutReplacing(error: unknown): boolean {
  return error instanceof AcmeError &&
    ["alreadyReplaced", "malformed", "unauthorized"].includes(error.type ?? "");
}
