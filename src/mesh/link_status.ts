/** How a link of the mesh is, as a page for operators shows it. */
import type { Clock } from "../util/clock.ts";

/** "down" after a failure, "self" where the name leads to this relay. */
export type LinkState = "connecting" | "linked" | "down" | "self";

/** A link at one moment. */
export interface LinkStatus {
  readonly host: string;
  readonly state: LinkState;
  /** When it last was linked, or last stopped being so. */
  readonly since: Date;
  /** Keys that the other relay has. */
  readonly clients: number;
  /** Undefined while no Ping is answered. */
  readonly roundTripMs: number | undefined;
  /** Why it is down. */
  readonly lastError: string | undefined;
}

/** The part of it that changes by events. */
export class LinkHistory {
  readonly #clock: Clock;
  state: LinkState = "connecting";
  since: Date;
  lastError: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.since = clock.date();
  }

  /** One failure after the other is one time of being down. */
  note(state: LinkState, lastError?: string): void {
    if (state !== this.state) this.since = this.#clock.date();
    this.state = state;
    this.lastError = lastError;
  }
}
