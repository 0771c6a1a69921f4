/** What verifies clients: the sources of verdicts that the configuration names, and who asks them. */
import { headscaleSource } from "./admission/headscale.ts";
import { KeysFileSource } from "./admission/keys_file.ts";
import { Reverifier } from "./admission/reverifier.ts";
import type { Source } from "./admission/source.ts";
import { tailscaleApiSource } from "./admission/tailscale_api.ts";
import { TailscaledSource } from "./admission/tailscaled.ts";
import { Verifier } from "./admission/verifier.ts";
import { VerifierWatch } from "./admission/verifier_watch.ts";
import { VerifyUrlSource } from "./admission/verify_url.ts";
import type { Verification } from "./config/config.ts";
import { verifyCommandLine } from "./config/verify_command_line.ts";
import type { MetricSource } from "./debug/metric_family.ts";
import type { NodePublic } from "./keys/node_key.ts";
import type { LogLimiter } from "./log/limited.ts";
import { logger } from "./log/log.ts";
import type { Relay, RelayOptions } from "./relay/relay.ts";
import type { Clock } from "./util/clock.ts";
import type { Health } from "./util/health.ts";

const log = logger("admission");

/** What the sources share. */
export interface SourceParts {
  readonly clock: Clock;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
  /** The relay's own key, for trying servers that have to be asked about some key. */
  readonly ownKey?: NodePublic | undefined;
}

/** What all parts of it share. */
export interface VerificationParts extends SourceParts {
  readonly limiter: LogLimiter;
}

/** All that verifies clients, before they are admitted and later. */
export class ClientVerification {
  readonly verifier: Verifier;
  /** What the relay has to know of it. */
  readonly relayOptions: Pick<
    RelayOptions,
    "admission" | "reverifier" | "verifyCommand"
  >;
  readonly #reverifier: Reverifier | undefined;
  readonly #clock: Clock;
  #watch: VerifierWatch | undefined;

  /**
   * Undefined where nobody is verified.
   *
   * @throws OperatorError
   */
  static async load(
    verification: Verification | undefined,
    parts: VerificationParts,
  ): Promise<ClientVerification | undefined> {
    if (verification === undefined) return undefined;
    const sources = await makeSources(verification, parts);
    warnOfOpenUrls(verification);
    return new ClientVerification(verification, sources, parts);
  }

  private constructor(
    verification: Verification,
    sources: readonly Source[],
    { clock, limiter }: VerificationParts,
  ) {
    const { reverifyIntervalMs: intervalMs } = verification;
    const verifyCommand = (key: NodePublic) =>
      verifyCommandLine(verification, key);
    const verifier = new Verifier({ ...verification, clock, limiter, sources });
    const reverifier = intervalMs === 0
      ? undefined
      : new Reverifier({ verifier, intervalMs, clock, verifyCommand });
    this.verifier = verifier;
    this.relayOptions = { admission: verifier, reverifier, verifyCommand };
    this.#reverifier = reverifier;
    this.#clock = clock;
  }

  /** What it counts. */
  get metrics(): MetricSource[] {
    return this.#reverifier
      ? [this.verifier, this.#reverifier]
      : [this.verifier];
  }

  /** Begins to try the sources, and tells the health and the clients what comes of it. */
  watch({ health, relay }: { health: Health; relay: Relay }): void {
    this.#watch = new VerifierWatch({
      verifier: this.verifier,
      health,
      clock: this.#clock,
      tell: (text) => relay.notices.report("verification", text),
    });
  }

  /** Ends everything; nobody is admitted any more. */
  async close(): Promise<void> {
    await Promise.all([
      this.verifier.close(),
      this.#watch?.close(),
      this.#reverifier?.close(),
    ]);
  }
}

/**
 * Makes them in the order in which they are asked; whoever calls closes them.
 *
 * @throws OperatorError
 */
export async function makeSources(
  verification: Verification,
  { clock, caCerts, ownKey }: SourceParts,
): Promise<Source[]> {
  const { sockets, urls, keysFile, headscale, tailscaleApi } = verification;
  const sources: Source[] = [];
  for (const socketPath of sockets) {
    sources.push(new TailscaledSource({ socketPath, clock }));
  }
  // First of those that begin to work at once, for it alone may fail.
  const keys = keysFile && await KeysFileSource.load({ path: keysFile, clock });
  for (const url of urls) {
    // Who fails open relays in any case, so a controller isn't tried needlessly.
    const tried = verification.urlFailOpen ? undefined : ownKey;
    sources.push(new VerifyUrlSource({ url, ownKey: tried, caCerts }));
  }
  if (keys) sources.push(keys);
  if (headscale) {
    sources.push(headscaleSource({ ...headscale, clock, caCerts }));
  }
  if (tailscaleApi) {
    sources.push(tailscaleApiSource({ ...tailscaleApi, clock, caCerts }));
  }
  return sources;
}

/** With one URL that is derper's rule; with several, or other sources beside them, nobody expects it. */
function warnOfOpenUrls(
  { urls, urlFailOpen, policy, ...others }: Verification,
) {
  const isAny = policy === "any" && urls.length > 0;
  const isOfSeveral = policy === "each-kind" && urls.length > 1;
  if (!urlFailOpen || !isAny && !isOfSeveral) return;
  const isAlone = others.sockets.length === 0 && !others.keysFile &&
    !others.headscale && !others.tailscaleApi;
  const what = isAny || isAlone
    ? "everybody is admitted, whatever the others say"
    : "none of them refuses anybody, whatever the others say";
  log.warn(
    "while a single one of the -verify-client-url can't be reached, {what}; add -verify-client-url-fail-open=false",
    { what },
  );
}
