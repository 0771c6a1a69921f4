/** The relay's totals over the last hour, looked at every ten seconds. */
import type { Clock } from "../../util/clock.ts";
import { Ring } from "./ring.ts";

/** Between two looks; about, for what is shown is by the clock. */
export const SAMPLE_MS = 10_000;
/** An hour of them. */
export const SAMPLES = 360;

/** What is shown as it is. */
const GAUGES = ["connections", "homes"] as const;
/** What is shown as its growth per second. */
const COUNTERS = [
  "receivedBytes",
  "sentBytes",
  "droppedPackets",
  "stunAnswers",
] as const;

/** Now, or since the start. */
export type Totals = Readonly<
  Record<typeof GAUGES[number] | typeof COUNTERS[number], number>
>;

/** Costs 17 KB, however many clients there are. */
export class History {
  readonly #clock: Clock;
  readonly #totals: () => Totals;
  /** Gauges, and counters per second. */
  readonly series: Readonly<Record<keyof Totals, Ring>> = {
    connections: new Ring(SAMPLES),
    homes: new Ring(SAMPLES),
    receivedBytes: new Ring(SAMPLES),
    sentBytes: new Ring(SAMPLES),
    droppedPackets: new Ring(SAMPLES),
    stunAnswers: new Ring(SAMPLES),
  };
  #last: { totals: Totals; ms: number };

  constructor(clock: Clock, totals: () => Totals) {
    this.#clock = clock;
    this.#totals = totals;
    this.#last = { totals: totals(), ms: clock.nowMs() };
  }

  /** Looks once more; to be called every so often. */
  sample(): void {
    const totals = this.#totals();
    const ms = this.#clock.nowMs();
    const seconds = (ms - this.#last.ms) / 1000;
    for (const name of GAUGES) this.series[name].push(totals[name]);
    for (const name of COUNTERS) {
      const growth = totals[name] - this.#last.totals[name];
      this.series[name].push(seconds > 0 ? growth / seconds : 0);
    }
    this.#last = { totals, ms };
  }
}
