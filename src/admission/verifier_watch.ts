/** Finds out that clients can't be verified before they find out. */
import { logger } from "../log/log.ts";
import { type Clock, delay } from "../util/clock.ts";
import type { Health } from "../util/health.ts";
import type { Admission } from "./admission.ts";

const log = logger("admission");

/** Between two checks. */
const CHECK_MS = 15_000;

/** How long verification may fail, as it does while tailscaled restarts, before clients are kept away. */
const PATIENCE_MS = 60_000;

export interface VerifierWatchOptions {
  readonly admission: Admission;
  readonly health: Health;
  readonly clock: Clock;
}

/**
 * Checks the verifier from time to time, whether clients come or not: while
 * the relay is unhealthy none come, so their questions wouldn't show that the
 * verifier is back.
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
    const { admission, health, clock } = this.#options;
    const { signal } = this.#stopping;
    let failingSinceMs: number | undefined;
    while (!signal.aborted) {
      const problem = await admission.check?.();
      if (signal.aborted) return;
      if (problem === undefined) {
        if (failingSinceMs !== undefined) {
          log.info("clients can be verified again");
        }
        failingSinceMs = undefined;
        health.report("verification", undefined);
      } else {
        if (failingSinceMs === undefined) {
          log.warn("clients can't be verified: {problem}", { problem });
        }
        failingSinceMs ??= clock.nowMs();
        if (clock.nowMs() - failingSinceMs >= PATIENCE_MS) {
          health.report("verification", problem);
        }
      }
      await delay(clock, CHECK_MS, signal);
    }
  }
}
