/** Finds out that clients can't be verified before they find out. */
import { type Clock, delay } from "../util/clock.ts";
import type { Health } from "../util/health.ts";
import type { VerifierState } from "./verifier.ts";

/** Between two checks. */
const CHECK_MS = 15_000;

/** How long verification may fail, as it does while tailscaled restarts, before clients are kept away. */
const PATIENCE_MS = 60_000;

/** For clients' users, of whom those who read it are known. */
const RUNS_ON_MEMORY =
  "the relay can't verify devices at the moment, only those it knows can connect";

/** What the watch needs of a verifier. */
export interface Watched {
  /** Never rejects, and answers within its own deadline. */
  inspect(): Promise<VerifierState>;
  readonly runsOnMemory: boolean;
}

export interface VerifierWatchOptions {
  readonly verifier: Watched;
  readonly health: Health;
  readonly clock: Clock;
  /** Takes what clients' users are to know, or that there is nothing any more. */
  readonly tell: (text: string | undefined) => void;
}

/**
 * Checks the sources from time to time, whether clients come or not: while
 * the relay is unhealthy none come, so their questions wouldn't show that a
 * source is back. It logs nothing: each source says itself when it goes, and
 * the health when the relay does.
 */
export class VerifierWatch {
  readonly #options: VerifierWatchOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: VerifierWatchOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** Stops; resolves when no check is under way. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { verifier, health, clock, tell } = this.#options;
    const { signal } = this.#stopping;
    let failingSinceMs: number | undefined;
    while (!signal.aborted) {
      const { problem, admitsKnown } = await verifier.inspect();
      if (signal.aborted) return;
      tell(verifier.runsOnMemory ? RUNS_ON_MEMORY : undefined);
      if (problem === undefined || admitsKnown) {
        failingSinceMs = undefined;
        health.report("verification", undefined);
      } else {
        failingSinceMs ??= clock.nowMs();
        if (clock.nowMs() - failingSinceMs >= PATIENCE_MS) {
          health.report("verification", problem);
        }
      }
      await delay(clock, CHECK_MS, signal);
    }
  }
}
