/** What the files and servers that the configuration names hold. */
import type { Config, Verification } from "./config/config.ts";
import { loadKeyFile } from "./config/key_file.ts";
import { loadMeshKey } from "./config/mesh_psk.ts";
import { DebugAccess } from "./debug/access.ts";
import { readRateConfig } from "./files/rate_config.ts";
import { HomeSource } from "./home.ts";
import type { MeshKey } from "./keys/mesh_key.ts";
import { NodePrivate } from "./keys/node_key.ts";
import type { LogLimiter } from "./log/limited.ts";
import { logger } from "./log/log.ts";
import { readCaCerts } from "./net/dial.ts";
import { RateLimits } from "./relay/rate_limit.ts";
import { setecMeshKey } from "./secrets/setec_mesh_key.ts";
import { systemClock } from "./util/clock.ts";
import { ClientVerification } from "./verification.ts";

const log = logger("derper");

/** All that has to be there before anything is started. */
export interface Loaded {
  readonly key: NodePrivate;
  readonly meshKey: MeshKey | undefined;
  /** Authorities to trust besides the usual ones, for outgoing connections. */
  readonly caCerts: string[];
  /** Undefined without `-rate-config`. */
  readonly rateLimits: RateLimits | undefined;
  readonly access: DebugAccess;
  readonly home: HomeSource;
  /** Undefined where nobody is verified; to be closed. */
  readonly verification: ClientVerification | undefined;
}

/**
 * Reads it, or makes what may be made.
 *
 * @throws OperatorError
 */
export async function load(
  config: Config,
  limiter: LogLimiter,
): Promise<Loaded> {
  const key = await loadKey(config.keyFile);
  const caCerts = dialsOut(config)
    ? await readCaCerts(Deno.env.get("DENO_CERT"))
    : [];
  return {
    key,
    caCerts,
    meshKey: await loadMesh(config, caCerts),
    rateLimits: await loadRateLimits(config.rateConfigFile),
    home: await HomeSource.load(config.home),
    access: await DebugAccess.create({
      limiter,
      allowIp: Deno.env.get("TS_ALLOW_DEBUG_IP"),
      trustedCidrs: Deno.env.get("TS_DEBUG_TRUSTED_CIDRS"),
      keyPath: Deno.env.get("TS_DEBUG_KEY_PATH"),
    }),
    // The last, so that nothing is left open when another one fails.
    verification: await ClientVerification.load(config.verification, {
      clock: systemClock,
      limiter,
      caCerts,
      ownKey: key.publicKey,
    }),
  };
}

function dialsOut(
  { meshWith, secrets, verification, certificate }: Config,
): boolean {
  return meshWith.length > 0 || secrets !== undefined ||
    certificate?.kind === "acme" ||
    verification !== undefined && asksServers(verification);
}

/** Whether clients are verified by servers, which TLS has to tell from others. */
export function asksServers(verification: Verification): boolean {
  const { urls, headscale, tailscaleApi } = verification;
  return urls.length > 0 || headscale !== undefined ||
    tailscaleApi !== undefined;
}

async function loadKey(path: string | undefined): Promise<NodePrivate> {
  if (path === undefined) return NodePrivate.generate();
  const { key, created, warning } = await loadKeyFile(path);
  if (created) log.info("made a new key in {path}", { path });
  if (warning !== undefined) log.warn("{warning}", { warning });
  return key;
}

async function loadMesh(
  { meshPskFile, meshKey, secrets }: Config,
  caCerts: string[],
): Promise<MeshKey | undefined> {
  if (secrets !== undefined) {
    return await setecMeshKey({ ...secrets, clock: systemClock, caCerts });
  }
  if (meshPskFile === undefined) return meshKey;
  const { key, warning } = await loadMeshKey(meshPskFile);
  if (warning !== undefined) log.warn("{warning}", { warning });
  return key;
}

async function loadRateLimits(
  path: string | undefined,
): Promise<RateLimits | undefined> {
  if (path === undefined) return undefined;
  const limits = new RateLimits(systemClock);
  limits.set(await readRateConfig(path));
  log.info("limits for what each client sends: {limits}", {
    limits: `${limits}`,
  });
  return limits;
}
