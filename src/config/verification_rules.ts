/** The rules for the flags that say who may use the relay. */
import { httpUrlMistake, type Mistake } from "./addresses.ts";
import type { Config, Verification, VerificationPolicy } from "./config.ts";
import type { Findings } from "./findings.ts";
import { timeMistake, wholeMs } from "./time_rules.ts";
import type { VERIFICATION_FLAGS } from "./verification_flags.ts";

/** Where tailscaled has its socket on Linux. */
export const TAILSCALED_SOCKET = "/var/run/tailscale/tailscaled.sock";

/** A shorter time is a slip, as 5ms for 5m, and would keep the sources busy. */
const MIN_REVERIFY_MS = 1_000;

/** How API keys and the secrets of OAuth clients begin. */
const SECRET = /^(?:tskey|hskey)-/;

type VerificationFindings = Findings<typeof VERIFICATION_FLAGS>;

/** Who verifies clients, and how; nothing where nobody does. */
export function verification(
  findings: VerificationFindings,
): Pick<Config, "verification"> {
  const { values } = findings;
  const keysFile = values["verify-keys-file"];
  const sources = {
    sockets: sockets(findings),
    urls: urls(findings),
    ...keysFile !== "" && { keysFile },
    ...headscale(findings),
    ...tailscaleApi(findings),
  };
  const count = Object.values(sources).flat().length;
  const how = {
    urlFailOpen: values["verify-client-url-fail-open"],
    policy: policy(findings, count),
    cacheTtlMs: time("verify-cache-ttl", findings),
    staleTtlMs: time("verify-stale-ttl", findings),
    reverifyIntervalMs: reverifyInterval(findings),
  };
  if (count > 0) return { verification: { ...sources, ...how } };
  findings.unused(
    "without a source that verifies clients, as -verify-clients is one",
    "verify-policy",
    "verify-cache-ttl",
    "verify-stale-ttl",
    "reverify-interval",
  );
  return {};
}

function sockets(findings: VerificationFindings): string[] {
  if (!findings.values["verify-clients"]) {
    findings.unused("without -verify-clients", "socket");
    return [];
  }
  const list = findings.values.socket.flatMap((text) => text.split(","));
  if (list.length === 0) return [TAILSCALED_SOCKET];
  return entries("socket", list, findings);
}

function urls(findings: VerificationFindings): string[] {
  const texts = findings.values["verify-client-url"];
  if (texts.length === 0) {
    const why = "without -verify-client-url";
    findings.unused(why, "verify-client-url-fail-open");
  }
  // derper takes one URL as it stands, and a comma may be part of it.
  const list = texts.flatMap((text) => text.split(/,(?=\s*(?:https?:|,|$))/i));
  const found = entries("verify-client-url", list, findings);
  for (const url of found) {
    const mistake = urlMistake(url);
    if (mistake === undefined) continue;
    const where = found.length === 1 ? "" : `in ${JSON.stringify(url)} `;
    findings.check("verify-client-url", where + mistake);
  }
  return found;
}

function urlMistake(url: string): Mistake | undefined {
  const host = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
  return host.includes(",") // which would pass for a name that can't be resolved
    ? "the host has a comma, write each URL with http:// or https://"
    : httpUrlMistake(url);
}

/** The entries of a list without the spaces around them. */
function entries(
  flag: "socket" | "verify-client-url",
  list: readonly string[],
  findings: VerificationFindings,
): string[] {
  const found = list.map((entry) => entry.trim());
  if (found.includes("")) {
    findings.check(flag, "it has an empty entry, leave out the comma");
  }
  const named = found.filter((entry) => entry !== "");
  const twice = named.find((entry, at) => named.indexOf(entry) < at);
  if (twice !== undefined) {
    findings.check(flag, `it has ${JSON.stringify(twice)} twice`);
  }
  return named;
}

function headscale(
  findings: VerificationFindings,
): Pick<Verification, "headscale"> {
  const {
    "verify-headscale": url,
    "verify-headscale-key-file": keyFile,
  } = findings.values;
  if (url === "") {
    const why = "without -verify-headscale";
    findings.unused(why, "verify-headscale-key-file");
    return {};
  }
  const [, secret] = /^https?:\/\/([^/?#]*)@/i.exec(url) ?? [];
  if (secret === undefined) {
    findings.check("verify-headscale", serverMistake(url));
  } else {
    findings.checkSecret(
      "verify-headscale",
      "leave out what is before the @, the API key is in -verify-headscale-key-file",
    );
  }
  checkFile(findings, {
    flag: "verify-headscale-key-file",
    content: "an API key",
    neededBy: "-verify-headscale",
  });
  return { headscale: { url, keyFile } };
}

function serverMistake(url: string): Mistake | undefined {
  return httpUrlMistake(url) ??
    (/[?#]/.test(url) ? "leave out what begins with ? or #" : undefined);
}

function tailscaleApi(
  findings: VerificationFindings,
): Pick<Verification, "tailscaleApi"> {
  const {
    "verify-tailscale-api": tailnet,
    "verify-tailscale-client-id-file": clientIdFile,
    "verify-tailscale-client-secret-file": clientSecretFile,
  } = findings.values;
  if (tailnet === "") {
    findings.unused(
      "without -verify-tailscale-api",
      "verify-tailscale-client-id-file",
      "verify-tailscale-client-secret-file",
    );
    return {};
  }
  if (SECRET.test(tailnet)) {
    findings.checkSecret(
      "verify-tailscale-api",
      'it takes a tailnet or "-", secrets are in files',
    );
  } else if (!/^[^\s/?#,]+$/.test(tailnet)) {
    findings.check(
      "verify-tailscale-api",
      'it takes a tailnet as the admin console names it, or "-"',
    );
  }
  const neededBy = "-verify-tailscale-api";
  checkFile(findings, {
    flag: "verify-tailscale-client-id-file",
    content: "the id of an OAuth client",
    neededBy,
  });
  checkFile(findings, {
    flag: "verify-tailscale-client-secret-file",
    content: "the secret of an OAuth client",
    neededBy,
  });
  return { tailscaleApi: { tailnet, clientIdFile, clientSecretFile } };
}

/** A file with a secret has to be named; its content must not be given in place of its name. */
function checkFile(
  findings: VerificationFindings,
  { flag, content, neededBy }: {
    flag:
      | "verify-headscale-key-file"
      | "verify-tailscale-client-id-file"
      | "verify-tailscale-client-secret-file";
    content: string;
    neededBy: string;
  },
): void {
  const path = findings.values[flag];
  if (path === "") {
    findings.check(flag, `${neededBy} needs a file with ${content}`);
  } else if (SECRET.test(path)) {
    findings.checkSecret(
      flag,
      `that is ${content} itself, put it into a file and name that`,
    );
  }
}

function policy(
  findings: VerificationFindings,
  sources: number,
): VerificationPolicy {
  const { "verify-policy": policy, "verify-client-url": urls } =
    findings.values;
  if (policy === "") return "each-kind";
  if (policy !== "any" && policy !== "all") {
    findings.check("verify-policy", "it takes any or all");
    return "each-kind";
  }
  if (sources === 1) {
    findings.unused("with a single source that verifies", "verify-policy");
  }
  if (
    policy === "any" && sources > 1 && urls.length > 0 &&
    !findings.isGiven("verify-client-url-fail-open")
  ) {
    findings.check(
      "verify-policy",
      "while a -verify-client-url can't be reached this would admit everybody; add -verify-client-url-fail-open=false, or =true if that is meant",
    );
  }
  return policy;
}

function reverifyInterval(findings: VerificationFindings): number {
  const flag = "reverify-interval";
  const intervalMs = findings.values[flag];
  if (intervalMs > 0 && intervalMs < MIN_REVERIFY_MS) {
    findings.check(flag, "it can't be under 1s; 0 is for never");
  }
  return time(flag, findings);
}

function time(
  flag: "verify-cache-ttl" | "verify-stale-ttl" | "reverify-interval",
  findings: VerificationFindings,
): number {
  const timeMs = findings.values[flag];
  findings.check(flag, timeMistake(timeMs));
  return wholeMs(timeMs);
}
