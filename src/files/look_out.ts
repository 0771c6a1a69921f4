/** Looks at files whenever their directories tell of a change, and from time to time. */
import { type Cancel, type Clock, delay } from "../util/clock.ts";
import { DirectoryWatch } from "./directory_watch.ts";

/** For changes that the system doesn't tell of, and what is only a matter of time. */
const POLL_MS = 60_000;

/** Where to look, and how. */
export interface LookOutOptions {
  readonly directories: readonly string[];
  readonly clock: Clock;
  /** From a notice to the look; where one file changes, others do. */
  readonly noticeMs: number;
  /** One look, which ends early when the signal aborts. Must not reject. */
  readonly look: (signal: AbortSignal) => Promise<void>;
}

/** One look at a time, from the construction on until `close()`. */
export class LookOut {
  readonly #options: LookOutOptions;
  readonly #closing = new AbortController();
  readonly #watch: DirectoryWatch;
  readonly #polling: Promise<void>;
  #cancelSoon: Cancel | undefined;
  /** The look under way, and whether another is wanted after it. */
  #looking: Promise<void> | undefined;
  #isWanted = false;

  constructor(options: LookOutOptions) {
    this.#options = options;
    const { directories } = options;
    this.#watch = new DirectoryWatch(directories, () => this.lookSoon());
    this.#polling = this.#poll();
  }

  /** Why changes are noticed only within a minute, where they are. */
  get watchProblem(): string | undefined {
    return this.#watch.problem;
  }

  /** Looks now; who asks while a look is under way waits for the next, with all others. Never rejects. */
  look(): Promise<void> {
    this.#isWanted = true;
    return this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Looks as after a notice. */
  lookSoon(): void {
    this.#cancelSoon ??= this.#options.clock.after(
      this.#options.noticeMs,
      () => {
        this.#cancelSoon = undefined;
        void this.look();
      },
    );
  }

  /** Ends it; there is no look after that. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watch.close(); // after this nobody calls lookSoon()
    this.#cancelSoon?.();
    await Promise.all([this.#polling, this.#looking]);
  }

  async #poll(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await delay(this.#options.clock, POLL_MS, signal);
      await this.look();
    }
  }

  async #lookAll(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#isWanted && !signal.aborted) {
      this.#isWanted = false;
      await this.#options.look(signal);
    }
  }
}
