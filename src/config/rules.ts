/** The rules for flags that go beyond their types. */
import {
  httpUrlMistake,
  type Mistake,
  parseBootstrapName,
} from "./addresses.ts";
import {
  certificateOrigin,
  certMode,
  noCertificate,
} from "./certificate_rules.ts";
import type { Config, Home } from "./config.ts";
import { Findings } from "./findings.ts";
import type { FLAGS } from "./flags.ts";
import { formatGoDuration } from "./go_duration.ts";
import type { ParsedFlags } from "./go_flag.ts";
import {
  acceptLimit,
  httpPort,
  listenAddress,
  metricsAddress,
  stun,
} from "./listen_rules.ts";
import { mesh } from "./mesh_rules.ts";
import type { Surroundings } from "./surroundings.ts";

const ROOT_KEY_FILE = "/var/lib/derper/derper.key";
const TAILSCALED_SOCKET = "/var/run/tailscale/tailscaled.sock";
const HTTPS_PORT = 443;

/** Linux takes no longer idle time for TCP_KEEPIDLE, and it counts whole seconds. */
const MAX_KEEP_ALIVE_MS = 32_767_000;
/** Linux takes TCP_USER_TIMEOUT as a 32-bit number of milliseconds, timers likewise. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** What Go makes of a keep-alive time of 0. */
const GO_KEEP_ALIVE_MS = 15_000;

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
  if (listen.port !== HTTPS_PORT && mode !== "manual") {
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
  const { home } = findings.values;
  if (home === "") return { kind: "default" };
  if (home === "blank") return { kind: "blank" };
  if (httpUrlMistake(home) === undefined) {
    return { kind: "redirect", url: asciiUrl(home) };
  }
  findings.check("home", 'it takes "blank", or a URL with http:// or https://');
  return { kind: "default" };
}

function verification(
  findings: Findings,
): Pick<Config, "verifyClients" | "verifyClientUrl"> {
  const {
    "verify-clients": isVerified,
    socket,
    "verify-client-url": url,
    "verify-client-url-fail-open": failOpen,
  } = findings.values;
  if (!isVerified) findings.unused("without -verify-clients", "socket");
  if (url === "") {
    const why = "without -verify-client-url";
    findings.unused(why, "verify-client-url-fail-open");
  } else {
    findings.check("verify-client-url", httpUrlMistake(url));
  }
  return {
    ...isVerified && { verifyClients: { socket: socket || TAILSCALED_SOCKET } },
    ...url !== "" && { verifyClientUrl: { url, failOpen } },
  };
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

function times(
  findings: Findings,
): Pick<Config, "tcpKeepAliveMs" | "tcpUserTimeoutMs" | "tcpWriteTimeoutMs"> {
  /** Whole milliseconds, rounded up: what is little must not become 0, which means something else. */
  const read = (
    flag: "tcp-keepalive-time" | "tcp-user-timeout" | "tcp-write-timeout",
    maxMs: number,
  ) => {
    findings.check(flag, timeMistake(findings.values[flag], maxMs));
    return Math.ceil(findings.values[flag]);
  };
  return {
    tcpKeepAliveMs: read("tcp-keepalive-time", MAX_KEEP_ALIVE_MS) ||
      GO_KEEP_ALIVE_MS,
    tcpUserTimeoutMs: read("tcp-user-timeout", MAX_TIMEOUT_MS),
    tcpWriteTimeoutMs: read("tcp-write-timeout", MAX_TIMEOUT_MS),
  };
}

function timeMistake(timeMs: number, maxMs: number): Mistake | undefined {
  if (timeMs < 0) return "a time can't be negative";
  return timeMs > maxMs
    ? `it can't be over ${formatGoDuration(maxMs)}`
    : undefined;
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
