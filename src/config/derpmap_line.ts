/** The command line of `derper derpmap`: the relay's own flags, and how the map is to look. */
import { certNameMistake, isPort } from "./addresses.ts";
import { certificateOrigin, certMode } from "./certificate_rules.ts";
import type { CertificateOrigin } from "./config.ts";
import { Findings } from "./findings.ts";
import { FLAGS } from "./flags.ts";
import type { FlagTable, ParsedFlags } from "./go_flag.ts";
import { lenientFlags } from "./lenient_flags.ts";
import { hasTls, httpPort, listenAddress, stun } from "./listen_rules.ts";
import { readFlags } from "./read_flags.ts";
import type { Surroundings } from "./surroundings.ts";
import { flagsText } from "./usage.ts";

/** What a map can be printed as. */
export type MapFormat = "acl" | "headscale" | "json";

/** What the relay's flags say about how clients find it. */
export interface RelayPlace {
  readonly hostname: string;
  /** Absent where it listens on all addresses. */
  readonly listenHost?: string;
  readonly listenPort: number;
  /** As clients reach it. */
  readonly derpPort: number;
  /** Absent where STUN is off. */
  readonly stunPort?: number;
  /** Of plain HTTP; absent where there is none. */
  readonly httpPort?: number;
  /** Whether it relays, or answers STUN alone. */
  readonly derp: boolean;
  /** Absent where it comes by ACME or is that of a proxy, and so is one that clients trust by themselves. */
  readonly certificate?: Exclude<CertificateOrigin, { kind: "acme" }>;
}

/** The names and the number of a new region with one node. */
export interface RegionNames {
  readonly id: number;
  readonly code: string;
  readonly name: string;
  readonly nodeName: string;
}

/** What a command line of `derper derpmap` asks for. */
export type DerpmapLine =
  | {
    readonly kind: "map";
    readonly relay: RelayPlace;
    readonly format: MapFormat;
    readonly region: RegionNames;
  }
  | {
    readonly kind: "check";
    readonly path: string;
    /** Absent where the flags don't name a relay; then nobody knows its ports. */
    readonly relay?: RelayPlace;
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

const FORMATS: readonly string[] = ["acl", "headscale", "json"];
/** What is kept for operators. */
const FIRST_REGION = 900;
const LAST_REGION = 999;
const HTTPS_PORT = 443;

const OWN_FLAGS = {
  "check": {
    type: "string",
    default: "",
    help:
      "file with a map or a policy to check, in place of printing one; with -hostname its ports are compared with those of the relay",
  },
  "derp-port": {
    type: "int",
    default: "0",
    help:
      "TCP port that clients connect to, where a proxy or a container has another than -a; nothing given for that of -a, or 443 where -a is plain HTTP",
  },
  "format": {
    type: "string",
    default: "acl",
    help:
      "what to print: acl (for Tailscale's policy file), headscale (YAML for derp.paths) or json (for derp.urls and derpprobe)",
  },
  "node-name": {
    type: "string",
    default: "",
    help:
      'name of the node, which no other node of the map has; nothing given for the number of the region and an "a"',
  },
  "region-code": {
    type: "string",
    default: "myderp",
    help: "short name of the region",
  },
  "region-id": {
    type: "int",
    default: String(FIRST_REGION),
    help: `number of the region, from ${FIRST_REGION} to ${LAST_REGION}`,
  },
  "region-name": {
    type: "string",
    default: "",
    help: "long name of the region; nothing given for that of the relay",
  },
} as const satisfies FlagTable;

/** The flags of the relay that the rules below read. */
const RELAY_FLAGS = {
  "a": FLAGS["a"],
  "cert-file": FLAGS["cert-file"],
  "certdir": FLAGS["certdir"],
  "certmode": FLAGS["certmode"],
  "derp": FLAGS["derp"],
  "dev": FLAGS["dev"],
  "hostname": FLAGS["hostname"],
  "http-port": FLAGS["http-port"],
  "key-file": FLAGS["key-file"],
  "stun": FLAGS["stun"],
  "stun-port": FLAGS["stun-port"],
} as const satisfies FlagTable;

const TABLE = lenientFlags(FLAGS, { ...RELAY_FLAGS, ...OWN_FLAGS });

type OwnFindings = Findings<typeof OWN_FLAGS>;

/** Reads the arguments behind `derpmap`, and the environment as the relay does. */
export function parseDerpmapLine(
  args: readonly string[],
  from: Surroundings,
): DerpmapLine {
  const flags = readFlags(args, TABLE, { from, fromEnvironment: RELAY_FLAGS });
  if (flags.help) return { kind: "help", text: helpText(from) };
  // The rules of the relay's flags read none but those of RELAY_FLAGS, which have their types.
  const relays = new Findings(flags as unknown as ParsedFlags<typeof FLAGS>);
  const own: OwnFindings = new Findings(flags);
  const path = own.values.check;
  const isNamed = relays.isGiven("hostname");
  const line: DerpmapLine = path === ""
    ? {
      kind: "map",
      relay: relayPlace(relays, own),
      format: format(own),
      region: regionNames(relays.values.hostname, own),
    }
    : { kind: "check", path, ...isNamed && { relay: relayPlace(relays, own) } };
  if (path === "" && !isNamed) {
    relays.problems.unshift(
      "Give the relay's own flags, -hostname at least: its name, or its IP address",
    );
  }
  const problems = [
    ...flags.problems,
    ...relays.problems,
    ...own.problems,
  ];
  return problems.length === 0 ? line : { kind: "problems", problems };
}

function relayPlace(relays: Findings, own: OwnFindings): RelayPlace {
  const { hostname, derp } = relays.values;
  const listen = listenAddress(relays);
  const mode = certMode(relays);
  const { stunPort } = stun(relays);
  if (stunPort === 0) {
    relays.check("stun-port", "the map needs the port itself");
  }
  const isTls = hasTls(listen, mode);
  const certificate = isTls && mode === "manual"
    ? certificateOrigin(mode, relays)
    : undefined;
  if (certificate === undefined) {
    relays.check("hostname", certNameMistake(hostname));
  }
  return {
    hostname,
    ...listen.hostname !== undefined && { listenHost: listen.hostname },
    listenPort: listen.port,
    derpPort: derpPort(isTls ? listen.port : HTTPS_PORT, { relays, own }),
    ...stunPort !== undefined && { stunPort },
    ...isTls
      ? httpPort(listen, relays)
      : listen.path === undefined && { httpPort: listen.port },
    derp,
    ...certificate && certificate.kind !== "acme" && { certificate },
  };
}

function derpPort(
  port: number,
  { relays, own }: { relays: Findings; own: OwnFindings },
): number {
  const flag = "derp-port";
  const given = own.values[flag];
  if (!own.isGiven(flag) || given === 0) {
    if (port === 0) relays.check("a", "the map needs the port itself");
    return port;
  }
  if (!isPort(given)) own.check(flag, "it takes a port from 1 to 65535");
  return given;
}

function format(own: OwnFindings): MapFormat {
  const { format } = own.values;
  if (FORMATS.includes(format)) return format as MapFormat;
  own.check("format", "it takes acl, headscale or json");
  return "acl";
}

function regionNames(hostname: string, own: OwnFindings): RegionNames {
  const { values } = own;
  const id = values["region-id"];
  if (id < FIRST_REGION || id > LAST_REGION) {
    own.check(
      "region-id",
      `it takes a number from ${FIRST_REGION} to ${LAST_REGION}, all others are Tailscale's`,
    );
  }
  for (const flag of ["node-name", "region-code", "region-name"] as const) {
    if (/\p{Cc}/u.test(values[flag])) {
      own.check(flag, "it has a control character");
    }
  }
  if (values["region-code"] === "") {
    own.check("region-code", "a region has a short name");
  }
  return {
    id,
    code: values["region-code"],
    name: values["region-name"] || hostname,
    nodeName: values["node-name"] || `${id}a`,
  };
}

function helpText(from: Surroundings): string {
  return `Usage of derper derpmap:
  derper derpmap [the relay's own flags] [-format acl|headscale|json]
  derper derpmap -check FILE [the relay's own flags]

Prints the entry of this relay for a DERP map, ready to paste. Run it on the
relay's machine while the relay runs, with the same flags or environment: it
looks the name up, looks at the machine's addresses, and asks port 80 whether it
answers. With -check it reads such a file instead, in any of the three forms,
and names every mistake. The exit code is 0, 1 where there are mistakes or
something is missing, and 2 for flags or a file that can't be used.

${flagsText(OWN_FLAGS, from)}
These flags of the relay count, also from its environment; the others are
ignored:
${flagsText(RELAY_FLAGS, from)}`;
}
