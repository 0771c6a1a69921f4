/** The pages for operators, and what the parts of the relay tell them. */
import type { CertificateSource } from "./certs/provider.ts";
import type { Config } from "./config/config.ts";
import type { MetricSource } from "./debug/metric_family.ts";
import { debugPages } from "./debug/pages.ts";
import { machineName, type ProcessMetrics } from "./debug/process_metrics.ts";
import type { CertificateFacts } from "./debug/status/facts.ts";
import { StatusPage } from "./debug/status/status_page.ts";
import type { HttpHandler } from "./http/connection.ts";
import type { Loaded } from "./loaded.ts";
import type { MeshLink } from "./mesh/mesh_link.ts";
import type { Relay } from "./relay/relay.ts";
import type { StunMetrics } from "./stun/metrics.ts";
import { systemClock } from "./util/clock.ts";
import type { Health } from "./util/health.ts";
import { VERSION } from "./version.ts";

/** The parts that are told of. */
export interface OperatorPagesParts {
  readonly relay: Relay;
  readonly health: Health;
  readonly certificates: CertificateSource | undefined;
  readonly process: ProcessMetrics;
  readonly stun: StunMetrics;
  /** Empty until they are started. */
  readonly links: readonly { readonly link: MeshLink }[];
  /** All that is counted. */
  readonly metrics: readonly MetricSource[];
}

/** `/debug/` and all below. */
export class OperatorPages {
  readonly handler: HttpHandler;
  readonly #status: StatusPage;

  constructor(config: Config, loaded: Loaded, parts: OperatorPagesParts) {
    const { access, verification } = loaded;
    this.#status = statusPage(config, loaded, parts);
    this.handler = debugPages({
      access,
      version: VERSION,
      sources: parts.metrics,
      table: parts.relay.table,
      admission: verification?.verifier,
      status: this.#status,
    });
  }

  /** Begins to keep the last hour. */
  start(): void {
    this.#status.start();
  }

  close(): void {
    this.#status.close();
  }
}

function statusPage(
  { hostname }: Config,
  { meshKey, verification }: Loaded,
  parts: OperatorPagesParts,
): StatusPage {
  const { relay, health, certificates, process, stun, links } = parts;
  return new StatusPage({
    version: VERSION,
    machine: machineName(),
    hostname,
    hasMeshKey: meshKey !== undefined,
    uptimeSeconds: () => process.uptimeSeconds,
    memoryBytes: () => process.residentBytes,
    problems: () => health.problems,
    sessions: () => relay.table.sessions(),
    metrics: relay.metrics,
    certificate: certificates && (() => certificateFacts(certificates)),
    verification: verification && (() => verification.verifier.states()),
    meshLinks: () => links.map(({ link }) => link.status),
    stun,
  }, systemClock);
}

function certificateFacts(
  { current, problem }: CertificateSource,
): CertificateFacts {
  const daysLeft = current?.daysLeft(systemClock.date()) ?? 0;
  return { served: current && { ...current.facts, daysLeft }, problem };
}
