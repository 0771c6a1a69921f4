/** The rules for the flags that say where the relay listens, and to how many. */
import {
  isPort,
  isSameAddress,
  type ListenAddress,
  parseListenAddress,
} from "./addresses.ts";
import type { Config } from "./config.ts";
import type { Findings } from "./findings.ts";

const DEV_ADDRESS = ":3340";
const HTTPS_PORT = 443;
const UNIX = "unix:";
/** The system's limit is 107; the file is made under a longer name. */
const UNIX_PATH_BYTES = 96;

/** The address of DERP. */
export function listenAddress(findings: Findings): ListenAddress {
  const { dev, a } = findings.values;
  if (dev) findings.unused(`with -dev, which listens on ${DEV_ADDRESS}`, "a");
  else if (a.startsWith(UNIX)) return unixAddress(a, findings);
  const address = parseListenAddress(dev ? DEV_ADDRESS : a);
  if (typeof address !== "string") return address;
  findings.check("a", address);
  return { port: 0 };
}

function unixAddress(a: string, findings: Findings): ListenAddress {
  const path = a.slice(UNIX.length);
  const bytes = new TextEncoder().encode(path).length;
  if (path === "" || path.startsWith("@") || path.includes("\0")) {
    findings.check("a", "give the path of a file, as in unix:/run/derper.sock");
  } else if (bytes > UNIX_PATH_BYTES) {
    findings.check("a", `its path is over ${UNIX_PATH_BYTES} bytes`);
  }
  return { port: 0, path };
}

/** Whether HTTPS is served there; derper's rule, but for the unix socket, where TLS is the proxy's. */
export function hasTls({ port, path }: ListenAddress, mode: string): boolean {
  return path === undefined && (port === HTTPS_PORT || mode === "manual");
}

/** Plain HTTP beside HTTPS. */
export function httpPort(
  listen: ListenAddress,
  findings: Findings,
): Pick<Config, "httpPort"> {
  const port = findings.values["http-port"];
  if (port === -1) return {};
  if (!isPort(port)) {
    findings.check("http-port", "it takes a port from 0 to 65535, or -1");
  } else if (port === listen.port && port !== 0) {
    findings.check(
      "http-port",
      "-a has this port already, give another, or -1",
    );
  }
  return { httpPort: port };
}

/** STUN. */
export function stun(
  findings: Findings,
): Pick<Config, "stunPort" | "stunHealthGate"> {
  const { stun, "stun-port": stunPort, "stun-health-gate": stunHealthGate } =
    findings.values;
  if (!stun) {
    findings.unused("with -stun=false", "stun-port", "stun-health-gate");
    return { stunHealthGate };
  }
  if (!isPort(stunPort)) {
    findings.check(
      "stun-port",
      "it takes a port from 0 to 65535, and -stun=false turns STUN off",
    );
  }
  return { stunPort, stunHealthGate };
}

/** Metrics and health checks; `taken` are the addresses of the other servers. */
export function metricsAddress(
  findings: Findings,
  taken: Pick<Config, "listen" | "httpPort">,
): Pick<Config, "metricsAddress"> {
  const text = findings.values["metrics-addr"];
  if (text === "") return {};
  const address = parseListenAddress(text);
  if (typeof address === "string") {
    findings.check("metrics-addr", address);
    return {};
  }
  const { listen, httpPort } = taken;
  if (isSameAddress(address, listen)) {
    findings.check("metrics-addr", "-a has this port already, give another");
  } else if (
    httpPort !== undefined &&
    isSameAddress(address, { ...listen, port: httpPort })
  ) {
    findings.check(
      "metrics-addr",
      "-http-port is this port already, give another",
    );
  }
  return { metricsAddress: address };
}

/** How many TLS connections are accepted. */
export function acceptLimit(findings: Findings): Pick<Config, "accept"> {
  const {
    "accept-connection-limit": perSecond,
    "accept-connection-burst": burst,
  } = findings.values;
  if (!(perSecond > 0)) {
    findings.check("accept-connection-limit", "it takes a number above 0");
  }
  if (burst < 1) {
    findings.check(
      "accept-connection-burst",
      "it takes at least 1, for with less no connection is accepted",
    );
  }
  if (perSecond === Infinity) {
    const why = "without -accept-connection-limit";
    findings.unused(why, "accept-connection-burst");
    return {};
  }
  // As in derper: the default is a burst of all connections that ever come.
  if (!Number.isSafeInteger(burst)) {
    const why = "without -accept-connection-burst";
    findings.unused(why, "accept-connection-limit");
    return {};
  }
  return { accept: { perSecond, burst } };
}
