/** Waiting for what others wait for as well, so that it can't be ended for one of them. */

/** What `shared` comes to; a rejection with what `late` makes where `signal` aborts first. */
export function unlessAborted<T>(
  shared: Promise<T>,
  signal: AbortSignal,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(late());
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    shared.then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}
