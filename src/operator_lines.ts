/** What an operator is told of the relay as a whole. */
import type { ServedCertificate } from "./certs/provider.ts";
import type { Config } from "./config/config.ts";
import { derpMapNode } from "./derpmap/node.ts";
import { logger } from "./log/log.ts";
import { systemClock } from "./util/clock.ts";
import type { Health } from "./util/health.ts";
import { formatHostPort, parseIp } from "./util/ip.ts";

const log = logger("derper");

/** What the start has come to. */
export interface Started {
  readonly port: number;
  readonly httpPort: number | undefined;
  readonly stunPort: number | undefined;
  readonly certificate: ServedCertificate | undefined;
  /** Why there is none although there should be one. */
  readonly certificateProblem: string | undefined;
  /** Who verifies the clients. */
  readonly verification: string | undefined;
  readonly key: string;
}

/** Logs the ready line, and what follows from it. */
export function logReady(config: Config, started: Started): void {
  const { listen: { hostname, path }, meshWith, derp } = config;
  const { port, httpPort, stunPort, verification, certificate } = started;
  log.info(
    "ready: {scheme} on {address}, plain HTTP {plain}, {certificate}, STUN {stun}, clients {verification}, mesh {mesh}, key {key}",
    {
      scheme: config.certificate ? "HTTPS" : "HTTP without TLS",
      address: path === undefined
        ? formatHostPort(hostname, port || config.listen.port)
        : `unix:${path}`,
      plain: httpPort ? `on port ${httpPort}` : "off",
      certificate: describe(started),
      stun: stunPort ? `on UDP port ${stunPort}` : "off",
      verification: verification
        ? `verified by ${verification}`
        : "not verified",
      mesh: meshWith.map(({ host }) => host).join(", ") || "off",
      key: started.key,
    },
  );
  if (verification === undefined && derp) {
    log.warn(
      "this is an open relay: anybody may use it, and strangers do find it; to close it, restart it with -verify-clients (a tailscaled on this machine knows your nodes), -verify-keys-file (a list of them), -verify-headscale, -verify-tailscale-api or -verify-client-url",
    );
  }
  const { hostname: name } = config;
  if (config.certificate && derp) {
    log.info(
      'to see whether clients can use it: "derper probe" with the same flags, or from elsewhere "derper probe {url}"',
      { url: `https://${formatHostPort(name, port)}`.replace(/:443$/, "") },
    );
  }
  if (certificate === undefined || parseIp(name) === undefined) return;
  log.info("node for the DERP map: {node}", {
    node: derpMapNode(certificate.facts, {
      hostname: name,
      derpPort: port,
      stunPort,
    }),
  });
}

function describe({ certificate, certificateProblem }: Started): string {
  if (certificate === undefined) {
    return certificateProblem
      ? `no certificate yet (${certificateProblem})`
      : "no certificate";
  }
  const days = certificate.daysLeft(systemClock.date());
  const names = certificate.facts.names.join(", ");
  return `certificate for ${names} with ${days} days left`;
}

/** Logs that the relay can't relay any more, and why, or that it can again; not that it is about to stop, which was asked for. */
export function logHealth({ isHealthy, isStopping, problems }: Health): void {
  if (isStopping) return;
  if (isHealthy) log.info("can relay again");
  else log.warn("can't relay: {problems}", { problems: problems.join("; ") });
}

/** One line on how the relay is at the moment. */
export function statusLine(
  { health, relay: { metrics } }: {
    readonly health: Health;
    readonly relay: { readonly metrics: { currentConnections: number } };
  },
): string {
  const clients = `${metrics.currentConnections} connected`;
  return health.isHealthy
    ? clients
    : `${clients}, can't relay: ${health.problems.join("; ")}`;
}
