/** Why an ACME server doesn't issue a certificate, in its own words, and for which names. */
import { isJsonObject } from "../util/json.ts";
import { AcmeError } from "./acme_server.ts";

/** What of an authorization (RFC 8555, 7.1.4) tells why there is none. */
interface Authorization {
  readonly identifier: { readonly value: string };
  readonly status: string;
  readonly challenges: readonly object[];
}

/** An error for an order that failed, name by name; `order` tells where no name does. */
export function refusalOf(
  authorizations: readonly Authorization[],
  order: object,
): AcmeError {
  const failed = authorizations.filter(({ status }) => status === "invalid");
  const reasons = failed.map(({ identifier, challenges }) =>
    `${identifier.value}: ${detailOf(challenges.find(errorOf))}`
  );
  const refused = failed.map(({ identifier }) => identifier.value);
  return new AcmeError(reasons.join("; ") || detailOf(order), { refused });
}

/** A refusal of single names may tell them in its text only. */
export function withRefused(error: unknown, names: readonly string[]): unknown {
  if (!(error instanceof AcmeError) || error.refused.length > 0) return error;
  if (error.type !== "rejectedIdentifier") return error;
  const { message, type, retryAfterMs } = error;
  const refused = names.filter((name) => message.includes(name));
  return new AcmeError(message, { type, retryAfterMs, refused });
}

/** The problem document in `error` (RFC 8555, 7.1.3 and 8). */
function detailOf(owner: object | undefined): string {
  const problem = owner && errorOf(owner);
  if (!isJsonObject(problem)) return "the ACME server gives no reason";
  const { detail, type } = problem;
  const kind = typeof type === "string" ? ` (${type.split(":").at(-1)})` : "";
  return `${typeof detail === "string" ? detail : "no detail"}${kind}`;
}

function errorOf(owner: object): unknown {
  return "error" in owner ? owner.error : undefined;
}
