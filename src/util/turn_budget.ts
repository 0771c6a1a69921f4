/** Fairness between connections that are read in loops. */
import type { Turn } from "./clock.ts";

/** How much one connection may bring before all others get their turn. */
const BUDGET_BYTES = 128 * 1024;
/** A read costs at least this, however little it brings, and a frame this. */
const READ_COST_BYTES = 1024;
const FRAME_COST_BYTES = 64;

/** A read that finds bytes resolves at once, without a look at any other connection; so a loop has to give way itself. */
export class TurnBudget {
  readonly #turn: Turn;
  #spentBytes = 0;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** Counts a read, and the frames that came of it; the wait for a turn when the budget is spent. */
  spend(readBytes: number, frames: number): Promise<void> | undefined {
    this.#spentBytes += Math.max(readBytes, READ_COST_BYTES) +
      frames * FRAME_COST_BYTES;
    if (this.#spentBytes < BUDGET_BYTES) return undefined;
    this.#spentBytes = 0;
    return this.#turn.wait();
  }
}
