/** The parts that the configuration chooses: sources of certificates, links of the mesh. */
import { AcmeSource } from "./certs/acme.ts";
import { ExpiryWatch } from "./certs/expiry_watch.ts";
import { ManualSource } from "./certs/manual_source.ts";
import type { CertificateSource } from "./certs/provider.ts";
import type { Config } from "./config/config.ts";
import type { Loaded } from "./loaded.ts";
import type { LogLimiter } from "./log/limited.ts";
import { MeshLink } from "./mesh/mesh_link.ts";
import { dialTls } from "./net/dial.ts";
import { localAddresses } from "./net/local_addresses.ts";
import { UnixSocket } from "./net/unix_socket.ts";
import type { Relay } from "./relay/relay.ts";
import { type Clock, systemClock, type Turn } from "./util/clock.ts";
import type { Health } from "./util/health.ts";
import { isPublicIp } from "./util/ip.ts";

/**
 * Listens already; undefined where the main port is one of TCP.
 *
 * @throws OperatorError
 */
export async function openUnix(
  { listen: { path }, reusePort }: Config,
): Promise<UnixSocket | undefined> {
  if (path === undefined) return undefined;
  return await UnixSocket.listen(path, { flag: "-a", reusePort });
}

/** Undefined where the main port is plain HTTP. */
export function certificateSource(
  config: Config,
  { key, caCerts }: Loaded,
): CertificateSource | undefined {
  const { certificate, hostname } = config;
  const serverKey = key.publicKey;
  const parts = { hostname, serverKey, clock: systemClock };
  switch (certificate?.kind) {
    case undefined:
      return undefined;
    case "manual":
      return new ManualSource({ ...parts, certDir: certificate.certDir });
    case "files": {
      const { certFile: cert, keyFile: key } = certificate;
      return new ManualSource({ ...parts, certDir: "", files: { cert, key } });
    }
    case "acme": {
      const { certDir, directory, email = "", eab, ipCerts } = certificate;
      return new AcmeSource({
        ...parts,
        certDir,
        directoryUrl: directory,
        email,
        externalAccount: eab && { kid: eab.kid, key: eab.hmacKey.reveal() },
        ipAddresses: ipCerts ? ownAddresses(config) : [],
        caCerts,
      });
    }
    default:
      return certificate satisfies never;
  }
}

/** Tells the operator, the health and the clients of the certificate's end. */
export function expiryWatch(
  { certificate }: Config,
  source: CertificateSource,
  { health, relay: { notices } }: { health: Health; relay: Relay },
): ExpiryWatch {
  return new ExpiryWatch({
    source,
    remedy: certificate?.kind === "acme"
      ? "its renewal fails, see above"
      : "renew it, the relay takes the new files by itself",
    clock: systemClock,
    report: (problem) => health.report("certificate", problem),
    tell: (text) => notices.report("certificate", text),
  });
}

/** What clients may reach this machine by: the address of `-a`, else all public ones. */
function ownAddresses({ listen: { hostname } }: Config): string[] {
  const all = hostname === undefined ? localAddresses() : [hostname];
  return all.filter(isPublicIp);
}

/** One link for each relay of `-mesh-with`; none without a mesh key. */
export function meshLinks(
  { meshWith }: Config,
  { key, meshKey, caCerts }: Loaded,
  { relay, clock, limiter, turn }: {
    relay: Relay;
    clock: Clock;
    limiter: LogLimiter;
    turn: Turn;
  },
): MeshLink[] {
  if (meshKey === undefined) return [];
  const { table, writerParts } = relay;
  return meshWith.map((target) => {
    const host = target.port === 443
      ? target.host
      : `${target.host}:${target.port}`;
    const dial = (signal: AbortSignal) => dialTls(target, { caCerts, signal });
    return new MeshLink({
      host,
      key,
      meshKey,
      clock,
      limiter,
      turn,
      table,
      writerParts,
      dial,
    });
  });
}
