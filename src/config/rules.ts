/** The rules for flags that go beyond their types. */
import { httpUrlMistake, parseBootstrapName } from "./addresses.ts";
import {
  certificateOrigin,
  certMode,
  noCertificate,
} from "./certificate_rules.ts";
import { type Config, type Home, LOG_FORMATS, LOG_LEVELS } from "./config.ts";
import { Findings } from "./findings.ts";
import type { FLAGS } from "./flags.ts";
import type { ParsedFlags } from "./go_flag.ts";
import {
  acceptLimit,
  hasTls,
  httpPort,
  listenAddress,
  metricsAddress,
  stun,
} from "./listen_rules.ts";
import { mesh } from "./mesh_rules.ts";
import { trustedProxies } from "./proxy_rules.ts";
import type { Surroundings } from "./surroundings.ts";
import { times } from "./time_rules.ts";
import { verification } from "./verification_rules.ts";

const ROOT_KEY_FILE = "/var/lib/derper/derper.key";

/** What becomes of a command line whose flags have values of their types. */
export interface MadeConfig {
  /** Of use only where there are no problems. */
  readonly config: Config;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** Checks `flags` against each other and the surroundings; where a rule is broken it goes on, to find all problems. */
export function makeConfig(
  flags: ParsedFlags<typeof FLAGS>,
  from: Surroundings,
): MadeConfig {
  const findings = new Findings(flags);
  const { values } = findings;
  const config: Config = {
    ...servers(findings),
    ...trustedProxies(findings),
    reusePort: values["reuse-port"],
    derp: values.derp,
    hostname: values.hostname,
    ...keyFile(findings, from),
    home: home(findings),
    ...mesh(findings, from),
    ...verification(findings),
    ...values["rate-config"] !== "" &&
      { rateConfigFile: values["rate-config"] },
    bootstrapDns: bootstrapDns(findings),
    ...times(findings),
    log: {
      level: oneOf(LOG_LEVELS, "log-level", findings),
      format: oneOf(LOG_FORMATS, "log-format", findings),
    },
    dev: values.dev,
  };
  const { problems, notes } = findings;
  return { config: freeze(config), problems, notes };
}

function servers(
  findings: Findings,
): Pick<
  Config,
  | "listen"
  | "certificate"
  | "httpPort"
  | "stunPort"
  | "stunHealthGate"
  | "metricsAddress"
  | "accept"
> {
  const listen = listenAddress(findings);
  const mode = certMode(findings);
  const plain = { listen, ...stun(findings) };
  if (!hasTls(listen, mode)) {
    noCertificate(findings);
    findings.unused(
      "without TLS",
      "http-port",
      "accept-connection-limit",
      "accept-connection-burst",
    );
    return { ...plain, ...metricsAddress(findings, { listen }) };
  }
  const http = httpPort(listen, findings);
  return {
    ...plain,
    certificate: certificateOrigin(mode, findings),
    ...http,
    ...acceptLimit(findings),
    ...metricsAddress(findings, { listen, ...http }),
  };
}

function keyFile(
  findings: Findings,
  { uid }: Surroundings,
): Pick<Config, "keyFile"> {
  const { dev, c } = findings.values;
  if (dev) {
    findings.unused("with -dev, which throws its key away", "c");
    return {};
  }
  if (c !== "") return { keyFile: c };
  if (uid === 0) {
    findings.notes.push(`No -c given, using key file "${ROOT_KEY_FILE}"`);
    return { keyFile: ROOT_KEY_FILE };
  }
  findings.check(
    "c",
    "name the file for the private key of the relay, as in -c derper.key; it is made where it is missing",
  );
  return {};
}

function home(findings: Findings): Home {
  const { home, "home-file": path } = findings.values;
  if (path !== "") {
    if (home !== "") findings.check("home", "-home-file is given too");
    return { kind: "file", path };
  }
  if (home === "") return { kind: "default" };
  if (home === "blank") return { kind: "blank" };
  if (home === "404") return { kind: "not-found" };
  if (httpUrlMistake(home) === undefined) {
    return { kind: "redirect", url: asciiUrl(home) };
  }
  findings.check(
    "home",
    'it takes "blank", "404", or a URL with http:// or https://',
  );
  return { kind: "default" };
}

function bootstrapDns(findings: Findings): Config["bootstrapDns"] {
  const read = (
    flag: "bootstrap-dns-names" | "unpublished-bootstrap-dns-names",
  ) => {
    const list = findings.values[flag];
    const names = list === ""
      ? []
      : list.split(",").map((entry) => parseBootstrapName(entry.trim()));
    for (const mistake of names) {
      if (typeof mistake === "string") findings.check(flag, mistake);
    }
    return names.filter((name) => typeof name !== "string");
  };
  return {
    // derper looks a rollout record up here too, and makes no use of it.
    published: read("bootstrap-dns-names").map(({ name }) => name),
    unpublished: read("unpublished-bootstrap-dns-names"),
  };
}

/** A flag that takes one of a few words. */
function oneOf<T extends string>(
  words: readonly [T, ...T[]],
  flag: "log-level" | "log-format",
  findings: Findings,
): T {
  const word = words.find((word) => word === findings.values[flag]);
  if (word !== undefined) return word;
  findings.check(
    flag,
    `it takes ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
  );
  return words[0];
}

/** As it was typed where a header can hold it, for escaping may change what it means to a server. */
function asciiUrl(url: string): string {
  return /^[\x21-\x7e]+$/.test(url) ? url : new URL(url).href;
}

/** Freezes `value` and the plain objects and arrays in it. */
function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null) freeze(part);
  }
  return Object.freeze(value);
}
