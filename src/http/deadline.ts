/** Waits that end. */
import type { Clock } from "../util/clock.ts";

/** Thrown where the other side, or a page, takes too long. */
export class DeadlineError extends Error {
  constructor() {
    super("Deadline exceeded");
    this.name = "DeadlineError";
  }
}

/** A moment until which several waits in turn must be over. */
export class Deadline {
  readonly #clock: Clock;
  readonly #untilMs: number;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#untilMs = clock.nowMs() + ms;
  }

  /** Settles as `work` does, or rejects with {@linkcode DeadlineError}; `work` then goes on unheard. */
  wait<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(
        this.#untilMs - this.#clock.nowMs(),
        () => reject(new DeadlineError()),
      );
      work.then((value) => {
        cancel();
        resolve(value);
      }, (error) => {
        cancel();
        reject(error);
      });
    });
  }
}
