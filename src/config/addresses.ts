/** Host names, addresses, ports and URLs as flags have them. */
import { parseIp } from "../util/ip.ts";

/** Why a text can't be used, as the end of a sentence about it. */
export type Mistake = string;

/** A host, without brackets, and the text of its port. */
interface HostPort {
  readonly host: string;
  readonly port: string | undefined;
}

/** Where to listen; without a host, on all addresses, IPv4 and IPv6. */
export interface ListenAddress {
  readonly hostname?: string;
  readonly port: number;
  /** A unix socket in place of both; the port is 0 then. */
  readonly path?: string;
}

/** Another relay of the mesh: its name and port, and the host that is dialled for it. */
export interface MeshTarget {
  readonly host: string;
  readonly port: number;
  readonly dialHost: string;
}

/** A name that `/bootstrap-dns` resolves. */
export interface BootstrapName {
  readonly name: string;
  /** The name of a TXT record with the percentage of clients that are answered; without one it is all of them. */
  readonly rolloutRecord?: string;
}

const HTTPS_PORT = 443;
const NAMED_PORTS: ReadonlyMap<string, number> = new Map([
  ["http", 80],
  ["https", HTTPS_PORT],
]);

/** RFC 1035, section 2.3.4, and underscores, which real names have. */
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const NAME_CHARACTERS = 253;

/** The port that `text` writes in decimal digits, or undefined. */
function parsePort(text: string, least = 0): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && isPort(port) && port >= least
    ? port
    : undefined;
}

/** Whether `value` can be a port; 0 leaves the choice to the system. */
export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 65_535;
}

/** Whether `text` is an IPv4 or IPv6 address without zone. */
export function isIp(text: string): boolean {
  return !text.includes("%") && parseIp(text) !== undefined;
}

function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, "").split(".");
  return text.length <= NAME_CHARACTERS &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(labels.at(-1)!); // what ends in a number is meant to be an IPv4 address
}

/** Splits `host`, `host:port`, `[ipv6]` and `[ipv6]:port`. */
function splitHostPort(text: string): HostPort | Mistake {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed) {
    const host = bracketed[1]!;
    return parseIp(host)
      ? { host, port: bracketed[2] }
      : "only an IP address goes into brackets";
  }
  const [host = "", port, ...more] = text.split(":");
  if (more.length > 0) {
    return "an IPv6 address needs brackets, as in [2001:db8::1]:443";
  }
  return { host, port };
}

/** What keeps `host` from being the host part of an address. */
function hostMistake(host: string): Mistake | undefined {
  return parseIp(host) || isHostName(host)
    ? undefined
    : `${JSON.stringify(host)} is no IP address and no host name`;
}

/** Parses `:port`, `ip:port`, `[ipv6]:port` and `name:port`. */
export function parseListenAddress(text: string): ListenAddress | Mistake {
  const split = splitHostPort(text);
  if (typeof split === "string") return split;
  if (!split.port) return "it has no port, write it as in :443";
  const port = NAMED_PORTS.get(split.port) ?? parsePort(split.port);
  if (port === undefined) {
    return `the port ${
      JSON.stringify(split.port)
    } is no number from 0 to 65535, nor http or https`;
  }
  if (split.host === "" && text.startsWith(":")) return { port };
  return hostMistake(split.host) ?? { hostname: split.host, port };
}

/** Parses one entry of `-mesh-with`: `host[:port][/dialhost]`. */
export function parseMeshTarget(text: string): MeshTarget | Mistake {
  if (text === "") return "it has an empty entry, leave out the comma";
  const entry = JSON.stringify(text);
  if (text.includes("://")) return `${entry} is a URL, leave out the scheme`;
  const [name = "", dial, ...more] = text.split("/");
  if (more.length > 0) return `${entry} has more than one slash`;
  const split = splitHostPort(name);
  if (typeof split === "string") return `in ${entry} ${split}`;
  const port = split.port === undefined ? HTTPS_PORT : parsePort(split.port, 1);
  if (port === undefined) {
    return `in ${entry} the port is no number from 1 to 65535`;
  }
  // Go puts the port behind the dial host by itself, so an IPv6 address comes bare there.
  const dialHost = dial?.replace(/^\[(.*)\]$/, "$1") ?? split.host;
  if (dial !== undefined && !parseIp(dialHost) && dial.includes(":")) {
    return `in ${entry} leave out the port behind the slash, it is that of the host`;
  }
  const mistake = hostMistake(split.host) ?? hostMistake(dialHost);
  return mistake === undefined
    ? { host: split.host, port, dialHost }
    : `in ${entry} ${mistake}`;
}

/** Parses one entry of the bootstrap DNS flags: `name`, or `name/record` with the name of a TXT record. */
export function parseBootstrapName(text: string): BootstrapName | Mistake {
  if (text === "") return "it has an empty entry, leave out the comma";
  const entry = JSON.stringify(text);
  const [name = "", record, ...more] = text.split("/");
  if (more.length > 0) return `${entry} has more than one slash`;
  for (const part of record === undefined ? [name] : [name, record]) {
    if (isHostName(part)) continue;
    return `in ${entry} ${JSON.stringify(part)} is no host name`;
  }
  return { name, ...record !== undefined && { rolloutRecord: record } };
}

/** Whether two servers can't listen at both addresses, which are both TCP or both UDP. */
export function isSameAddress(
  one: ListenAddress,
  other: ListenAddress,
): boolean {
  return one.port === other.port && one.port !== 0 &&
    (one.hostname === undefined || other.hostname === undefined ||
      one.hostname === other.hostname);
}

/** What keeps `text` from being the name in a certificate. */
export function certNameMistake(text: string): Mistake | undefined {
  if (isIp(text) || isHostName(text)) return undefined;
  if (text === "") return "give the name or IP address of the relay";
  if (text.includes("://")) {
    return "it is a URL, give the host name in it alone";
  }
  if (text.includes("/")) return "it has a slash, give the host name alone";
  if (/^\[.*\]$/.test(text)) return "leave out the brackets";
  const port = /^(.*):\d*$/s.exec(text)?.[1]?.replace(/^\[(.*)\]$/, "$1");
  if (port !== undefined && (isIp(port) || isHostName(port))) {
    return "leave out the port, it belongs to -a";
  }
  return "it is no host name and no IP address";
}

/** What keeps `text` from being a URL of HTTP or HTTPS. */
export function httpUrlMistake(text: string): Mistake | undefined {
  return /^https?:\/\/\S+$/i.test(text) && URL.canParse(text)
    ? undefined
    : "it is no URL that starts with http:// or https://";
}

/** What keeps `text` from being the URL of an ACME server, which RFC 8555, section 6.1 wants to be HTTPS. */
export function acmeUrlMistake(text: string): Mistake | undefined {
  return /^https:/i.test(text) && httpUrlMistake(text) === undefined
    ? undefined
    : "it is no URL that starts with https://";
}
