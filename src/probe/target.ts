/** What is probed, and how it is reached. */
import type { MeshKey } from "../keys/mesh_key.ts";
import { formatHostPort } from "../util/ip.ts";
import type { Budget } from "./budget.ts";

/** What every family of checks is given. */
export interface ProbeContext {
  readonly target: Target;
  readonly budget: Budget;
  /** The certificates to trust besides the runtime's own. */
  readonly caCerts: string[];
  /** The addresses of this machine. */
  readonly ownAddresses: ReadonlySet<string>;
}

/** Where a relay is, as clients are told. */
export interface Place {
  /** Host name or IP address, which is also the name in the certificate. */
  readonly name: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** A relay, and what it should be like. */
export interface Target extends Place {
  /** Plain HTTP beside HTTPS; absent where there is none. */
  readonly httpPort?: number | undefined;
  /** Absent where STUN is off. */
  readonly stunPort?: number | undefined;
  /** SHA-256 of its certificate in hexadecimal, as a DERP map pins it. */
  readonly pin?: string | undefined;
  readonly meshKey?: MeshKey | undefined;
  /** Known of a relay on this machine. */
  readonly local?: LocalFacts | undefined;
}

/** What the flags say of a relay on this machine. */
export interface LocalFacts {
  /** Where it can be reached without leaving the machine. */
  readonly address: string;
  /** Whether clients are verified. */
  readonly verifies: boolean;
  /** Whether it relays, and doesn't answer STUN alone. */
  readonly relays: boolean;
}

/** For the Host header. */
export function hostHeader({ name, port, isTls }: Place): string {
  const host = name.includes(":") ? `[${name}]` : name;
  return port === (isTls ? 443 : 80) ? host : formatHostPort(name, port);
}

/** `https://…`, as one would type it. */
export function urlOf(place: Place): string {
  return `${place.isTls ? "https" : "http"}://${hostHeader(place)}`;
}

/** Parses `https://host[:port]`, or says what is wrong with it. */
export function parsePlace(text: string): Place | string {
  const shown = JSON.stringify(text);
  if (!/^https?:\/\//i.test(text)) {
    return `Invalid URL ${shown}: write it as in https://derp.example.com`;
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === "") {
    return `Invalid URL ${shown}: it is no URL`;
  }
  if (url.username !== "" || url.password !== "") {
    return "Invalid URL: leave out what is before the @";
  }
  if (!/^\/(derp)?$/.test(url.pathname) || /[?#]/.test(text)) {
    return `Invalid URL ${shown}: leave out what is behind the host and its port`;
  }
  const isTls = url.protocol === "https:";
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return port === 0
    ? `Invalid URL ${shown}: there is no port 0`
    : { name, port, isTls };
}

/** Parses `sha256-raw:` and 64 hexadecimal digits into those digits; undefined where it isn't that. */
export function parsePin(text: string): string | undefined {
  return /^sha256-raw:([0-9a-f]{64})$/i.exec(text)?.[1]?.toLowerCase();
}
