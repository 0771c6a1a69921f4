/** Whether the relay can relay, and if not, why. */

/** The part that reports that the relay is about to stop. */
const STOPPING = "draining";

/** Parts report what keeps them from working; whoever answers clients asks. */
export class Health {
  readonly #problems = new Map<string, string>();
  readonly #onChange: (health: Health) => void;

  /** `onChange` is called when a part stops working, and when it works again. */
  constructor(onChange: (health: Health) => void = () => {}) {
    this.#onChange = onChange;
  }

  /** Notes what is wrong with a part, or that nothing is any more. */
  report(part: string, problem: string | undefined): void {
    const had = this.#problems.has(part);
    if (problem === undefined) this.#problems.delete(part);
    else this.#problems.set(part, problem);
    if (had !== this.#problems.has(part)) this.#onChange(this);
  }

  /** Whether the relay can relay. */
  get isHealthy(): boolean {
    return this.#problems.size === 0;
  }

  /** Notes that the relay is about to stop, of its own will. */
  stop(): void {
    this.report(STOPPING, "the relay is about to stop");
  }

  get isStopping(): boolean {
    return this.#problems.has(STOPPING);
  }

  /** One line for each part that doesn't work; none where all is well. */
  get problems(): string[] {
    return [...this.#problems].map(([part, problem]) => `${part}: ${problem}`);
  }
}
