/** Builds every part of the relay from its configuration, in the order in which they may start. */
import { type Admission, requireAll } from "./admission/admission.ts";
import { TailscaledAdmission } from "./admission/tailscaled.ts";
import { VerifyUrlAdmission } from "./admission/verify_url.ts";
import { derpMapNode } from "./certs/derp_map_node.ts";
import { loadManualCertificate } from "./certs/manual.ts";
import type { ServedCertificate } from "./certs/provider.ts";
import type { Config } from "./config/config.ts";
import { loadKeyFile } from "./config/key_file.ts";
import { loadMeshKey } from "./config/mesh_psk.ts";
import { derpUpgrade } from "./http/derp_upgrade.ts";
import { port80 } from "./http/port80.ts";
import { mainRoutes } from "./http/routes.ts";
import { HttpServer } from "./http/server.ts";
import type { MeshKey } from "./keys/mesh_key.ts";
import { NodePrivate } from "./keys/node_key.ts";
import { LogLimiter } from "./log/limited.ts";
import { logger } from "./log/log.ts";
import { MeshLink } from "./mesh/mesh_link.ts";
import { dialTls, readCaCerts } from "./net/dial.ts";
import { LoopTurn } from "./net/loop_turn.ts";
import { Relay } from "./relay/relay.ts";
import { StunMetrics } from "./stun/metrics.ts";
import { listenStun, StunServer } from "./stun/server.ts";
import { type Clock, systemClock } from "./util/clock.ts";
import { formatHostPort, parseIp } from "./util/ip.ts";
import { TimerWheel } from "./util/timer_wheel.ts";

const log = logger("derper");

/** From here on an operator is told that the certificate expires. */
const WARN_DAYS = 14;

/** What the files of the configuration hold. */
interface Loaded {
  readonly key: NodePrivate;
  readonly meshKey: MeshKey | undefined;
  readonly certificate: ServedCertificate | undefined;
  /** Authorities to trust besides the usual ones, for outgoing connections. */
  readonly caCerts: string[];
}

/** A running relay. */
export class Derper {
  readonly stunMetrics: StunMetrics = new StunMetrics();
  readonly relay: Relay;
  readonly #config: Config;
  readonly #loaded: Loaded;
  readonly #clock = new TimerWheel(systemClock);
  readonly #limiter = new LogLimiter(systemClock);
  readonly #turn = new LoopTurn();
  readonly #admission: Admission | undefined;
  #main: HttpServer | undefined;
  #plain: HttpServer | undefined;
  #stun: StunServer | undefined;
  /** Also where the system chose it. */
  #stunPort: number | undefined;
  readonly #links: { readonly link: MeshLink; readonly done: Promise<void> }[] =
    [];

  private constructor(config: Config, loaded: Loaded) {
    this.#config = config;
    this.#loaded = loaded;
    this.#admission = makeAdmission(config, {
      clock: this.#clock,
      limiter: this.#limiter,
      caCerts: loaded.caCerts,
    });
    this.relay = new Relay({
      key: loaded.key,
      meshKey: loaded.meshKey,
      admission: this.#admission,
      clock: this.#clock,
      limiter: this.#limiter,
      turn: this.#turn,
      writeTimeoutMs: config.tcpWriteTimeoutMs,
    });
  }

  /**
   * Starts a relay; what was started is stopped again where something fails.
   *
   * @throws OperatorError
   */
  static async start(config: Config): Promise<Derper> {
    const derper = new Derper(config, await load(config));
    try {
      derper.#start();
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

  /** The port of plain HTTP beside HTTPS, if there is one. */
  get httpPort(): number | undefined {
    return this.#plain?.port;
  }

  /** Stops accepting, closes all connections and waits for everything to end. */
  async stop(): Promise<void> {
    for (const { link } of this.#links) link.stop();
    await Promise.all([
      this.#stun?.close(),
      this.#plain?.close(),
      this.#main?.close(),
      ...this.#links.map(({ done }) => done),
    ]);
    this.#admission?.close?.();
    this.#clock.stop();
    this.#turn.close();
  }

  /** Clients choose their home by STUN alone, so it answers last, when all else does. */
  #start(): void {
    const { listen: { hostname, port }, httpPort } = this.#config;
    const { certificate } = this.#loaded;
    const parts = {
      timeouts: {
        keepAliveMs: this.#config.tcpKeepAliveMs,
        userTimeoutMs: this.#config.tcpUserTimeoutMs,
      },
      clock: this.#clock,
      limiter: this.#limiter,
      turn: this.#turn,
    };
    this.#main = new HttpServer({
      ...parts,
      address: { hostname, port },
      flag: "-a",
      tls: certificate?.tlsKeyPair(),
      handler: mainRoutes(this.#config),
      upgrade: this.#config.derp
        ? derpUpgrade(this.relay, this.#clock)
        : undefined,
    });
    if (httpPort !== undefined && certificate !== undefined) {
      this.#plain = new HttpServer({
        ...parts,
        address: { hostname, port: httpPort },
        flag: "-http-port",
        handler: port80,
      });
    }
    this.#startMesh();
    this.#startStun();
    this.#logReady();
  }

  #startStun(): void {
    const { listen: { hostname }, stunPort } = this.#config;
    if (stunPort === undefined) return;
    const socket = listenStun({ hostname, port: stunPort });
    this.#stunPort = (socket.addr as Deno.NetAddr).port;
    this.#stun = new StunServer(socket, {
      metrics: this.stunMetrics,
      clock: this.#clock,
      limiter: this.#limiter,
      turn: this.#turn,
    });
  }

  #startMesh(): void {
    const { meshWith } = this.#config;
    const { key, meshKey } = this.#loaded;
    if (meshWith.length === 0 || meshKey === undefined) return;
    const { caCerts } = this.#loaded;
    for (const target of meshWith) {
      const { host, port } = target;
      const link = new MeshLink({
        host: port === 443 ? host : `${host}:${port}`,
        key,
        meshKey,
        clock: this.#clock,
        table: this.relay.table,
        writerParts: this.relay.writerParts,
        dial: (signal) => dialTls(target, { caCerts, signal }),
      });
      this.#links.push({ link, done: link.run() });
    }
  }

  #logReady(): void {
    const { listen: { hostname }, hostname: name, meshWith, derp } =
      this.#config;
    const { certificate } = this.#loaded;
    const off = "off";
    log.info(
      "ready: {scheme} on {address}, plain HTTP {plain}, {certificate}, STUN {stun}, clients {verification}, mesh {mesh}, key {key}",
      {
        scheme: certificate ? "HTTPS" : "HTTP without TLS",
        address: formatHostPort(hostname, this.port),
        plain: this.httpPort ? `on port ${this.httpPort}` : off,
        certificate: describe(certificate),
        stun: this.#stunPort ? `on UDP port ${this.#stunPort}` : off,
        verification: this.#admission
          ? `verified by ${this.#admission.name}`
          : "not verified",
        mesh: meshWith.map(({ host }) => host).join(", ") || off,
        key: this.relay.publicKey,
      },
    );
    if (this.#admission === undefined && derp) {
      log.warn(
        "this is an open relay: anybody may use it; -verify-clients or -verify-client-url admit your own nodes only",
      );
    }
    if (certificate === undefined) return;
    this.#warnOfExpiry(certificate);
    if (parseIp(name) === undefined) return;
    log.info("node for the DERP map: {node}", {
      node: derpMapNode(certificate.facts, {
        hostname: name,
        derpPort: this.port,
        stunPort: this.#stunPort,
      }),
    });
  }

  #warnOfExpiry(certificate: ServedCertificate): void {
    const days = certificate.daysLeft(systemClock.date());
    if (days > WARN_DAYS) return;
    log.warn(
      "the certificate expires in {days} days; renew it, then restart the relay",
      { days },
    );
  }
}

function describe(certificate: ServedCertificate | undefined): string {
  if (certificate === undefined) return "no certificate";
  const days = certificate.daysLeft(systemClock.date());
  const names = certificate.facts.names.join(", ");
  return `certificate for ${names} with ${days} days left`;
}

/** Both kinds given: both must admit, tailscaled first (derper's rule). */
function makeAdmission(
  { verifyClients, verifyClientUrl }: Config,
  parts: { clock: Clock; limiter: LogLimiter; caCerts: string[] },
): Admission | undefined {
  const sources: Admission[] = [];
  if (verifyClients) {
    const { socket: socketPath } = verifyClients;
    sources.push(new TailscaledAdmission({ ...parts, socketPath }));
  }
  if (verifyClientUrl) {
    sources.push(new VerifyUrlAdmission({ ...parts, ...verifyClientUrl }));
  }
  return sources.length === 0 ? undefined : requireAll(sources);
}

/** Reads the key, the mesh key and the certificates, or makes what may be made. */
async function load(config: Config): Promise<Loaded> {
  const key = await loadKey(config.keyFile);
  const meshKey = await loadMesh(config);
  const certificate = config.tls
    ? await loadManualCertificate({
      certDir: config.certDir,
      hostname: config.hostname,
      serverKey: key.publicKey,
      now: systemClock.date(),
    })
    : undefined;
  const dials = config.meshWith.length > 0 || config.verifyClientUrl;
  const caCerts = dials ? await readCaCerts(Deno.env.get("DENO_CERT")) : [];
  return { key, meshKey, certificate, caCerts };
}

async function loadKey(path: string | undefined): Promise<NodePrivate> {
  if (path === undefined) return NodePrivate.generate();
  const { key, created, warning } = await loadKeyFile(path);
  if (created) log.info("made a new key in {path}", { path });
  if (warning !== undefined) log.warn("{warning}", { warning });
  return key;
}

async function loadMesh(
  { meshPskFile, meshKey }: Config,
): Promise<MeshKey | undefined> {
  if (meshPskFile === undefined) return meshKey;
  const { key, warning } = await loadMeshKey(meshPskFile);
  if (warning !== undefined) log.warn("{warning}", { warning });
  return key;
}
