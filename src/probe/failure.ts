/** What failed connections mean, in an operator's words. */
import { isConnectionLost } from "../net/conn.ts";
import { messageOf } from "../util/error_message.ts";
import { NoAnswerError } from "./budget.ts";
import { NotTlsError } from "./tls_server_flight.ts";

/** What was seen, and what to do about it. */
export interface Failure {
  readonly seen: string;
  readonly advice: string;
}

/** Of what the runtime says of a certificate: what it means. */
const CERTIFICATE: readonly (readonly [RegExp, string, string])[] = [
  [
    /UnknownIssuer/,
    "nobody whom clients trust has issued the certificate",
    "serve the whole chain (fullchain.pem); a self-signed one is checked with -cert-name sha256-raw:...",
  ],
  [
    /CaUsedAsEndEntity/,
    "the certificate says that it is an authority's, which this check can't go on with",
    "make it with basicConstraints=critical,CA:FALSE",
  ],
  [/Expired/, "the certificate has expired", "renew it"],
  [
    /NotValidYet/,
    "the certificate isn't valid yet",
    "are the clocks of both machines right?",
  ],
  [
    /NotValidForName/,
    "the certificate has other names",
    "get one for the name that clients use",
  ],
];

/** Explains what went wrong with a TCP port that takes connections. */
export function explainTalk(
  error: unknown,
  { port }: { readonly port: number },
): Failure {
  const where = `TCP port ${port}`;
  if (!(error instanceof NoAnswerError)) return explain(error, where);
  return {
    seen: error.message,
    advice:
      `it takes connections and says nothing: is it a relay that is at ${where}, and with TLS or without?`,
  };
}

/** Explains why `where`, such as "TCP port 443", can't be reached or talked to. */
export function explain(error: unknown, where: string): Failure {
  const message = messageOf(error);
  if (error instanceof NoAnswerError) {
    return {
      seen: message,
      advice:
        `a firewall drops it, or the machine is down: open ${where} to the world`,
    };
  }
  if (error instanceof NotTlsError) return explainTls(message);
  if (/failed to lookup address|ENOTFOUND|EAI_AGAIN/.test(message)) {
    return {
      seen: "the name has no address",
      advice: "is it spelt right, and has it A or AAAA records in DNS?",
    };
  }
  if (error instanceof Deno.errors.ConnectionRefused) {
    return {
      seen: "refused",
      advice: `nothing listens on ${where}: is the relay running there?`,
    };
  }
  if (isUnreachable(error)) {
    return {
      seen: "no route to it",
      advice: "is the address right, and the machine on the network?",
    };
  }
  if (error instanceof Error && error.name === "InvalidData") {
    return explainTls(message);
  }
  if (isConnectionLost(error)) {
    return {
      seen: "the connection was closed",
      advice: `is it a relay that listens on ${where}, with TLS or without?`,
    };
  }
  return { seen: message, advice: `is it a relay that is at ${where}?` };
}

/** Whether this machine has no way to an address, as without IPv6. */
export function isUnreachable(error: unknown): boolean {
  // ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL
  return /\(os error (?:99|101|113)\)/.test(messageOf(error));
}

function explainTls(message: string): Failure {
  for (const [pattern, seen, advice] of CERTIFICATE) {
    if (pattern.test(message)) return { seen, advice };
  }
  const alert = /received fatal alert: (\w+)/.exec(message)?.[1];
  return alert === undefined
    ? {
      seen: `no TLS: ${message}`,
      advice:
        "is this the port of HTTPS? Write http:// for a relay without TLS",
    }
    : {
      seen: `the TLS server refuses: ${alert}`,
      advice: "does it have a certificate for this name?",
    };
}
