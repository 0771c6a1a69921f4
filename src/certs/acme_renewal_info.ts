/** ACME renewal information (RFC 9773): a certificate's name there, and the server's answer. */
import { isJsonObject } from "../util/json.ts";
import { retryAfterMs } from "./acme_http.ts";
import type { RenewalInfo } from "./acme_server.ts";
import { contextTag, DerReader, DerTag } from "./der_reader.ts";
import { extensions } from "./x509.ts";

/** 2.5.29.35, authorityKeyIdentifier. */
const AUTHORITY_KEY_ID = "551d23";
/** keyIdentifier, [0] implicit (RFC 5280, 4.2.1.1). */
const KEY_ID_TAG = 0x80;

/** A certificate's unique name (RFC 9773, 4.1); undefined where it doesn't say whose key signed it. */
export function renewalId(certificate: Uint8Array): string | undefined {
  const tbs = new DerReader(certificate).enter(DerTag.sequence)
    .enter(DerTag.sequence);
  tbs.readOptional(contextTag(0)); // version
  const serial = tbs.read(DerTag.integer).content;
  const keyId = authorityKeyId(tbs);
  return keyId && `${base64Url(keyId)}.${base64Url(serial)}`;
}

/** The answer for one certificate; undefined where it makes no sense, as if there were none. */
export function parseRenewalInfo(
  data: unknown,
  { retryAfter, now }: { retryAfter: string | undefined; now: Date },
): RenewalInfo | undefined {
  const window = isJsonObject(data) ? data.suggestedWindow : undefined;
  if (!isJsonObject(window)) return undefined;
  const start = new Date(String(window.start));
  const end = new Date(String(window.end));
  // False for no dates, too.
  if (!(end.getTime() > start.getTime())) return undefined;
  return { start, end, retryAfterMs: retryAfterMs(retryAfter, now) };
}

/** From what follows the serial number. */
function authorityKeyId(tbs: DerReader): Uint8Array | undefined {
  while (tbs.peekTag() !== undefined && tbs.peekTag() !== contextTag(3)) {
    tbs.next();
  }
  for (const { id, value } of extensions(tbs)) {
    if (id !== AUTHORITY_KEY_ID) continue;
    return new DerReader(value).enter(DerTag.sequence)
      .readOptional(KEY_ID_TAG)?.content;
  }
  return undefined;
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
