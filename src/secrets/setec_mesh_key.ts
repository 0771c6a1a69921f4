/** The mesh key from a setec server (`-secrets-url`), or from the cache while the server is down. */
import { MeshKey } from "../keys/mesh_key.ts";
import { logger } from "../log/log.ts";
import { type Clock, delay } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { OperatorError } from "../util/operator_error.ts";
import { SecretCache } from "./secret_cache.ts";
import type { SecretValue } from "./secret_value.ts";
import { SetecClient } from "./setec_client.ts";

const log = logger("secrets");

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 4_000;

export interface SetecMeshKeyOptions {
  readonly url: string;
  /** For example `prod/derp/meshkey`. */
  readonly secretName: string;
  /** The cache file, or a directory for it. */
  readonly cachePath: string;
  readonly clock: Clock;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
  /** Ends the wait for the server; the result is then a rejection. */
  readonly signal?: AbortSignal;
}

/**
 * The mesh key. As derper, it waits for the server for as long as neither it
 * nor the cache has the key; unlike derper, it asks the server first, so that
 * a key that was changed there is taken over by the next start.
 *
 * @throws OperatorError where the secret is there and can't be a mesh key
 */
export async function setecMeshKey(
  options: SetecMeshKeyOptions,
): Promise<MeshKey> {
  using client = new SetecClient(options);
  const cache = await SecretCache.at(options.cachePath);
  const kept = await readKept(cache, options.secretName);
  try {
    const secret = kept
      ? await client.get(options.secretName, options.signal)
      : await waitFor(client, options);
    const key = parse(secret, client, options);
    log.info("mesh key from the setec server {server}, version {version}", {
      server: client.name,
      version: secret.version,
    });
    if (!kept?.secret.equals(secret)) await keep(secret, cache, options);
    return key;
  } catch (error) {
    if (kept === undefined) throw error;
    log.warn(
      "mesh key from the secrets cache {path}, version {version}, for the setec server {server} gave none: {why}",
      {
        path: cache.path,
        version: kept.secret.version,
        server: client.name,
        why: error instanceof OperatorError
          ? "the secret there isn't 64 hexadecimal digits"
          : messageOf(error),
      },
    );
    return kept.key;
  }
}

/** Asks until the server answers with a secret; says each reason why it doesn't once in a row. */
async function waitFor(
  client: SetecClient,
  { secretName, clock, signal }: SetecMeshKeyOptions,
): Promise<SecretValue> {
  let lastWhy: string | undefined;
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    try {
      return await client.get(secretName, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const why = messageOf(error);
      if (why !== lastWhy) {
        log.warn(
          'no mesh key yet: the setec server {server} doesn\'t give "{name}", the relay starts when it does: {why}',
          { server: client.name, name: secretName, why },
        );
      }
      lastWhy = why;
    }
    await delay(clock, retryMs * (1 - Math.random() / 4), signal);
    signal?.throwIfAborted();
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }
}

function parse(
  secret: SecretValue,
  client: SetecClient,
  { secretName }: SetecMeshKeyOptions,
): MeshKey {
  const key = MeshKey.parse(secret.reveal().trim());
  if (key !== undefined) return key;
  throw new OperatorError(
    `Cannot use secret ${
      JSON.stringify(secretName)
    } of the setec server ${client.name}: version ${secret.version} isn't 64 hexadecimal digits; put a mesh key there and activate it`,
  );
}

/** A mesh key in the cache. */
interface Kept {
  readonly secret: SecretValue;
  readonly key: MeshKey;
}

/** What the cache has; one that can't be used is like none, but said. */
async function readKept(
  cache: SecretCache,
  secretName: string,
): Promise<Kept | undefined> {
  try {
    const secret = await cache.read(secretName);
    const key = secret && MeshKey.parse(secret.reveal().trim());
    return secret && key && { secret, key };
  } catch (error) {
    log.warn("{why}", { why: messageOf(error) });
    return undefined;
  }
}

/** Without a cache the relay runs as well, but can't start while the server is down. */
async function keep(
  secret: SecretValue,
  cache: SecretCache,
  { secretName, clock }: SetecMeshKeyOptions,
): Promise<void> {
  try {
    await cache.write(secretName, secret, clock.date());
  } catch (error) {
    log.warn("{why}", { why: messageOf(error) });
  }
}
