/** How long a probe may wait, for each step and in all. */
import type { Clock } from "../util/clock.ts";

/** Thrown where something took too long. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** A deadline for each step, none of them later than that for all. */
export class Budget {
  readonly clock: Clock;
  readonly stepMs: number;
  readonly #endMs: number;

  constructor(clock: Clock, limits: { stepMs: number; totalMs: number }) {
    this.clock = clock;
    this.stepMs = limits.stepMs;
    this.#endMs = clock.nowMs() + limits.totalMs;
  }

  /**
   * Runs one step, which has to end when its signal aborts, and is left to
   * itself where it doesn't.
   *
   * @throws NoAnswerError, and what `run` throws
   */
  async within<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const left = Math.max(0, this.#endMs - this.clock.nowMs());
    const limitMs = Math.min(this.stepMs, left);
    const deadline = new AbortController();
    const { signal } = deadline;
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    const cancel = this.clock.after(limitMs, () => {
      const seconds = Math.round(this.stepMs / 100) / 10;
      deadline.abort(new NoAnswerError(`no answer within ${seconds} s`));
    });
    try {
      return await Promise.race([run(signal), late]);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      cancel();
    }
  }
}
