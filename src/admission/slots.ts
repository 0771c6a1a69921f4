/** A bound on how much goes on at a time, and on how many wait for it. */

/** Gives a slot back; to be called once. */
export type Release = () => void;

/** Hands a waiting one its slot, or tells it that it gets none. */
type Waiter = (release: Release | undefined) => void;

/**
 * Slots for askers in turn, and for each of them in the order of asking: who
 * asks a thousand times keeps another waiting no longer than who asks once.
 */
export class Slots {
  #free: number;
  readonly #maxWaiting: number;
  #waiting = 0;
  /** Those who wait by asker, none of the lines empty; whose turn is next is the first. */
  readonly #lines = new Map<string, Set<Waiter>>();

  constructor(slots: number, maxWaiting: number) {
    this.#free = slots;
    this.#maxWaiting = maxWaiting;
  }

  /** Waits for a slot; undefined where too many wait already, `asker` more than others, or `signal` aborts first. */
  take(signal: AbortSignal, asker = ""): Promise<Release | undefined> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(this.#release);
    }
    if (signal.aborted || !this.#hasRoomFor(asker)) {
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      const end: Waiter = (release) => {
        this.#leave(asker, end);
        signal.removeEventListener("abort", leave);
        resolve(release);
      };
      const leave = () => end(undefined);
      this.#join(asker, end);
      signal.addEventListener("abort", leave);
    });
  }

  /** Whether one more may wait; for that the last of a longer line has to go. */
  #hasRoomFor(asker: string): boolean {
    if (this.#waiting < this.#maxWaiting) return true;
    let longest = new Set<Waiter>();
    for (const line of this.#lines.values()) {
      if (line.size > longest.size) longest = line;
    }
    if (longest.size <= (this.#lines.get(asker)?.size ?? 0) + 1) return false;
    [...longest].at(-1)?.(undefined);
    return true;
  }

  #join(asker: string, waiter: Waiter): void {
    const line = this.#lines.get(asker);
    if (line === undefined) this.#lines.set(asker, new Set([waiter]));
    else line.add(waiter);
    this.#waiting++;
  }

  #leave(asker: string, waiter: Waiter): void {
    const line = this.#lines.get(asker);
    if (!line?.delete(waiter)) return;
    this.#waiting--;
    if (line.size === 0) this.#lines.delete(asker);
  }

  readonly #release: Release = () => {
    const [next] = this.#lines;
    if (next === undefined) {
      this.#free++;
      return;
    }
    const [asker, line] = next;
    const [first] = line;
    this.#lines.delete(asker); // the others' turn comes first
    this.#lines.set(asker, line);
    first!(this.#release);
  };
}
