/** Time as the relay sees it, so that tests can own it. */

/** Cancels what it was returned for; calling it again does nothing. */
export type Cancel = () => void;

/** A source of time and timers. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  nowMs(): number;
  /** Calendar time, for certificates and log lines. */
  date(): Date;
  /** Calls `fn` once after `delayMs`. A pending call keeps the process alive. */
  after(delayMs: number, fn: () => void): Cancel;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
  after(delayMs, fn) {
    const id = setTimeout(fn, delayMs);
    return () => clearTimeout(id);
  },
};

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function delay(
  clock: Clock,
  delayMs: number,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener("abort", done);
  });
}

/** A way to give way to everything else that is ready. */
export interface Turn {
  /** Resolves when every socket that had data before the call has been looked at. */
  wait(): Promise<void>;
}
