/** Flags that the commands which talk to a relay have in common, and the rules for their values. */
import type { FlagTable } from "../config/go_flag.ts";
import { parsePin } from "../probe/target.ts";

const MAX_TIMEOUT_MS = 60_000;

/** A self-signed certificate, and as the DERP map has it. */
export const CERT_NAME = {
  "cert-name": {
    type: "string",
    default: "",
    help:
      "sha256-raw: and the SHA-256 of the relay's self-signed certificate, as CertName in the DERP map",
  },
} as const satisfies FlagTable;

/** STUN of a relay that is given by its URL. */
export const STUN_PORT = {
  "stun-port": {
    type: "int",
    default: "3478",
    help: "UDP port of its STUN; -1 for none",
  },
} as const satisfies FlagTable;

/** What is wrong with the flags that all these commands have. */
export function commonProblems(
  { "cert-name": pin, timeout: timeoutMs }: {
    readonly "cert-name": string;
    readonly timeout: number;
  },
): string[] {
  const problems: string[] = [];
  if (pin !== "" && parsePin(pin) === undefined) {
    problems.push(
      `Invalid -cert-name ${
        JSON.stringify(pin)
      }: it takes sha256-raw: and 64 hexadecimal digits, as derper logs it at start`,
    );
  }
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    problems.push("Invalid -timeout: it takes a time above 0 and up to 1m");
  }
  return problems;
}

/** What is wrong with a port that may be -1 for none, as a list. */
export function portProblems(flag: string, port: number): string[] {
  return port === -1 || (port > 0 && port <= 65_535)
    ? []
    : [`Invalid ${flag} "${port}": it takes a port from 1 to 65535, or -1`];
}

/** The port, or none. */
export function portOrNone(port: number): number | undefined {
  return port === -1 ? undefined : port;
}
