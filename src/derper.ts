/** Builds every part of the relay from its configuration, in the order in which they may start. */
import type { ExpiryWatch } from "./certs/expiry_watch.ts";
import type { CertificateSource } from "./certs/provider.ts";
import type { Config } from "./config/config.ts";
import type { MetricSource } from "./debug/metric_family.ts";
import { metricsPort } from "./debug/metrics_port.ts";
import { ProcessMetrics } from "./debug/process_metrics.ts";
import { readRateConfig } from "./files/rate_config.ts";
import { BootstrapDns } from "./http/bootstrap_dns.ts";
import type { HttpHandler } from "./http/connection.ts";
import { derpUpgrade } from "./http/derp_upgrade.ts";
import { plainRoutes } from "./http/port80.ts";
import { mainRoutes } from "./http/routes.ts";
import { HttpServer } from "./http/server.ts";
import { systemResolver } from "./http/system_resolver.ts";
import { load, type Loaded } from "./loaded.ts";
import { drain } from "./drain.ts";
import { LogLimiter } from "./log/limited.ts";
import type { MeshLink } from "./mesh/mesh_link.ts";
import { LoopTurn } from "./net/loop_turn.ts";
import {
  certificateSource,
  expiryWatch,
  meshLinks,
  openUnix,
} from "./parts.ts";
import { logHealth, logReady } from "./operator_lines.ts";
import { OperatorPages } from "./operator_pages.ts";
import { Relay } from "./relay/relay.ts";
import { StunMetrics } from "./stun/metrics.ts";
import { StunSockets } from "./stun/sockets.ts";
import { systemClock } from "./util/clock.ts";
import { Health } from "./util/health.ts";
import { TimerWheel } from "./util/timer_wheel.ts";
import { VERSION } from "./version.ts";

/** A running relay. */
export class Derper {
  readonly relay: Relay;
  readonly health: Health = new Health(logHealth);
  readonly #config: Config;
  readonly #loaded: Loaded;
  readonly #clock = new TimerWheel(systemClock);
  readonly #limiter: LogLimiter;
  readonly #turn = new LoopTurn();
  readonly #certificates: CertificateSource | undefined;
  readonly #expiry: ExpiryWatch | undefined;
  readonly #bootstrapDns: BootstrapDns;
  readonly #process: ProcessMetrics;
  readonly #stunMetrics = new StunMetrics();
  /** All that is counted; read at each scrape. */
  readonly #metrics: MetricSource[];
  readonly #pages: OperatorPages;
  #main: HttpServer | undefined;
  #plain: HttpServer | undefined;
  #metricsServer: HttpServer | undefined;
  #stun: StunSockets | undefined;
  readonly #links: { link: MeshLink; done: Promise<void> }[] = [];

  private constructor(config: Config, loaded: Loaded, limiter: LogLimiter) {
    this.#config = config;
    this.#loaded = loaded;
    this.#limiter = limiter;
    const { key, meshKey, rateLimits, verification } = loaded;
    const clock = this.#clock;
    this.relay = new Relay({
      key,
      meshKey,
      ...verification?.relayOptions,
      rateLimits,
      clock,
      limiter,
      turn: this.#turn,
      writeTimeoutMs: config.tcpWriteTimeoutMs,
    });
    this.#certificates = certificateSource(config, loaded);
    this.#expiry = this.#certificates &&
      expiryWatch(config, this.#certificates, this);
    this.#process = new ProcessMetrics({
      clock,
      health: this.health,
      certificateDaysLeft: this.#expiry && (() => this.#expiry?.daysLeft),
    });
    this.#bootstrapDns = new BootstrapDns({
      ...config.bootstrapDns,
      clock: systemClock,
      resolver: systemResolver(),
    });
    this.#metrics = [
      this.relay.metrics,
      this.#stunMetrics,
      this.#process,
      this.#bootstrapDns,
      ...verification?.metrics ?? [],
    ];
    this.#pages = new OperatorPages(config, loaded, {
      relay: this.relay,
      health: this.health,
      certificates: this.#certificates,
      process: this.#process,
      stun: this.#stunMetrics,
      links: this.#links,
      metrics: this.#metrics,
    });
  }

  /**
   * Starts a relay; what was started is stopped again where something fails.
   *
   * @throws OperatorError
   */
  static async start(config: Config): Promise<Derper> {
    const isOff = config.log.level === "debug";
    const limiter = new LogLimiter(systemClock, { isOff });
    const derper = new Derper(config, await load(config, limiter), limiter);
    try {
      await derper.#start();
    } catch (error) {
      await derper.stop();
      throw error;
    }
    return derper;
  }

  /** The port of DERP, also where the system chose it. */
  get port(): number {
    return this.#main?.port ?? this.#config.listen.port;
  }

  /** The port of plain HTTP beside HTTPS. */
  get httpPort(): number | undefined {
    return this.#plain?.port;
  }

  /** Looks for new certificates, keys and limits (SIGHUP); what can't be used leaves the old ones. Never rejects. */
  async reload(): Promise<void> {
    const { rateConfigFile } = this.#config;
    await this.#certificates?.reload();
    await this.#loaded.verification?.verifier.reload();
    await this.#loaded.home.reload();
    this.#stun?.reload();
    if (rateConfigFile === undefined) return;
    await this.#loaded.rateLimits?.reload(() => readRateConfig(rateConfigFile));
  }

  /** Ends what clients choose the relay by, and then the clients evenly over `-drain`; `stop()` is to follow. */
  async drain(): Promise<void> {
    const servers = [this.#main, this.#plain];
    await drain(this, this.#config.drainMs, { servers, stun: this.#stun });
  }

  /** Stops accepting, says goodbye, closes all connections and waits for everything to end. */
  async stop(): Promise<void> {
    this.health.stop();
    // Wakes the sessions that wait, which would else hold up the end.
    this.#loaded.rateLimits?.set({ bytesPerSecond: 0, burstBytes: 0 });
    for (const { link } of this.#links) link.stop();
    this.#expiry?.close();
    this.#pages.close();
    await this.relay.farewell();
    await Promise.all([
      this.#stun?.close(),
      this.#plain?.close(),
      this.#main?.close(),
      this.#metricsServer?.close(),
      this.#certificates?.close(),
      this.#bootstrapDns.close(),
      this.#loaded.verification?.close(),
      ...this.#links.map(({ done }) => done),
    ]);
    this.#limiter.close();
    this.#clock.stop();
    this.#turn.close();
  }

  /**
   * The plain port comes before the certificate, for an ACME server asks there;
   * STUN last, when all else answers: clients choose their home by it alone.
   */
  async #start(): Promise<void> {
    const handler = this.#routes();
    this.#startPlain(handler);
    await this.#certificates?.start(() => this.#takeCertificate());
    await this.#startMain(handler);
    this.#expiry?.start();
    this.#pages.start();
    this.#startMetrics();
    this.#startMesh();
    this.#loaded.verification?.watch(this);
    this.#startStun();
    logReady(this.#config, {
      port: this.port,
      httpPort: this.httpPort,
      stunPort: this.#stun?.port,
      certificate: this.#certificates?.current,
      certificateProblem: this.#certificates?.problem,
      verification: this.#loaded.verification?.verifier.name,
      key: this.relay.publicKey.toString(),
    });
  }

  #routes(): HttpHandler {
    const { derp, stunHealthGate } = this.#config;
    return mainRoutes({
      home: this.#loaded.home.page,
      derp,
      debug: this.#pages.handler,
      bootstrapDns: this.#bootstrapDns.handler,
      isOperator: this.#loaded.access.allows,
      isHealthy: stunHealthGate ? () => this.health.isHealthy : undefined,
    });
  }

  /** What all TCP ports have in common. */
  #portParts() {
    const { tcpKeepAliveMs: keepAliveMs, tcpUserTimeoutMs: userTimeoutMs } =
      this.#config;
    return {
      timeouts: { keepAliveMs, userTimeoutMs },
      clock: this.#clock,
      limiter: this.#limiter,
      turn: this.#turn,
      reusePort: this.#config.reusePort,
      trustedProxies: this.#config.trustedProxies,
    };
  }

  async #startMain(handler: HttpHandler): Promise<void> {
    const { listen, accept, derp } = this.#config;
    const source = this.#certificates;
    this.#main = new HttpServer({
      ...this.#portParts(),
      address: listen,
      unix: await openUnix(this.#config),
      flag: "-a",
      tls: source && (source.current?.tlsKeyPair() ?? "awaited"),
      acceptLimit: source && accept, // derper limits its TLS port alone
      report: (problem) => this.health.report("TLS listener", problem),
      handler,
      upgrade: derp
        ? derpUpgrade(this.relay, this.#clock, this.#turn)
        : undefined,
    });
    if (source) this.#metrics.push(this.#main.metrics);
  }

  #startPlain(main: HttpHandler): void {
    const { listen: { hostname }, httpPort: port } = this.#config;
    const source = this.#certificates;
    if (port === undefined || source === undefined) return;
    this.#plain = new HttpServer({
      ...this.#portParts(),
      address: { hostname, port },
      flag: "-http-port",
      handler: plainRoutes({
        main,
        isOperator: this.#loaded.access.allows,
        challenge: source.challenge && ((token) => source.challenge?.(token)),
      }),
    });
  }

  #startMetrics(): void {
    const { metricsAddress: address } = this.#config;
    if (address === undefined) return;
    const { health } = this;
    const sources = this.#metrics;
    this.#metricsServer = new HttpServer({
      ...this.#portParts(),
      address,
      flag: "-metrics-addr",
      handler: metricsPort({ sources, version: VERSION, health }),
    });
  }

  /** Serves the source's certificate from now on. */
  #takeCertificate(): void {
    const certificate = this.#certificates?.current;
    if (certificate === undefined) return;
    this.#main?.setTls(certificate.tlsKeyPair());
    this.#expiry?.start();
  }

  #startStun(): void {
    const { listen: { hostname }, stunPort, stunHealthGate } = this.#config;
    if (stunPort === undefined) return;
    this.#stun = StunSockets.listen({ hostname, port: stunPort }, {
      metrics: this.#stunMetrics,
      ...this.#portParts(),
      ...stunHealthGate && { isHealthy: () => this.health.isHealthy },
    });
  }

  #startMesh(): void {
    const parts = { relay: this.relay, ...this.#portParts() };
    for (const link of meshLinks(this.#config, this.#loaded, parts)) {
      this.#links.push({ link, done: link.run() });
    }
  }
}
