/** Where a relay on this machine is, from its configuration. */
import type { Config } from "../config/config.ts";
import type { Place } from "../probe/target.ts";

const EVERYWHERE: readonly (string | undefined)[] = [
  undefined,
  "0.0.0.0",
  "::",
];
const LOOPBACK = "127.0.0.1";

/** An address at which whoever listens at `hostname` can be reached without leaving the machine. */
export function nearAddress(hostname: string | undefined): string {
  return hostname === undefined || EVERYWHERE.includes(hostname) ||
      hostname === "localhost"
    ? LOOPBACK
    : hostname;
}

/** The relay as its clients name it; without TLS by its address, for the name is the proxy's. */
export function localPlace({ listen, certificate, hostname }: Config): Place {
  const isTls = certificate !== undefined;
  const name = isTls ? hostname : nearAddress(listen.hostname);
  return { name, port: listen.port, isTls };
}
