/** Asks about established clients again, so that access that has ended ends the connection too. */
import { logger } from "../log/log.ts";
import type { Cancel, Clock } from "../util/clock.ts";
import type { Candidate, Verdict } from "./admission.ts";

const log = logger("admission");

const TICK_MS = 250;
/** Few, so that those who wait to be admitted are asked about beside them. */
const MAX_IN_FLIGHT = 8;

/** A client that was admitted and is still connected. */
export interface Established extends Candidate {
  /** Ends its connection. */
  end(): void;
}

/** Says whether a client may still use the relay, from its sources and not from memory. Never rejects. */
export interface Reverifying {
  reverify(candidate: Candidate): Promise<Verdict>;
}

export interface ReverifierOptions {
  readonly verifier: Reverifying;
  /** Each client is asked about once in this time. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** The command line that asks about one key, for whoever reads the log. */
  readonly verifyCommand?: ((key: Candidate["key"]) => string) | undefined;
}

/**
 * All clients stand in a line, and at each tick as many are asked about as the
 * interval wants: however they came, there is no burst, and nobody waits longer
 * than the interval. Where the sources are too slow for that, it takes longer.
 */
export class Reverifier {
  readonly #options: ReverifierOptions;
  /** Who comes next is the first. */
  readonly #line = new Set<Established>();
  readonly #inFlight = new Set<Promise<void>>();
  /** Milliseconds of all clients together that are not spent yet; a question costs the interval. */
  #creditMs = 0;
  #tickedMs = 0;
  #cancelTick: Cancel | undefined;
  #isClosed = false;
  #asked = 0;
  #ended = 0;

  constructor(options: ReverifierOptions) {
    this.#options = options;
  }

  /** Asks about a client from now on, for the first time after at most one interval; the result ends that. */
  watch(client: Established): Disposable {
    this.#line.add(client);
    this.#start();
    return {
      [Symbol.dispose]: () => {
        this.#line.delete(client);
        if (this.#line.size === 0) this.#stop();
      },
    };
  }

  /** What it counts, for the metrics. */
  snapshot(): Record<string, number> {
    return {
      counter_derper_reverify_asked: this.#asked,
      counter_derper_reverify_ended: this.#ended,
    };
  }

  /** Stops; resolves when no question is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    await Promise.all(this.#inFlight);
  }

  #start(): void {
    if (this.#cancelTick !== undefined || this.#isClosed) return;
    this.#tickedMs = this.#options.clock.nowMs();
    this.#arm();
  }

  #arm(): void {
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => {
      this.#arm();
      this.#tick();
    });
  }

  #stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#creditMs = 0;
  }

  #tick(): void {
    const { clock, intervalMs } = this.#options;
    const nowMs = clock.nowMs();
    const elapsedMs = Math.min(intervalMs, nowMs - this.#tickedMs);
    this.#tickedMs = nowMs;
    // What couldn't be asked in time isn't made up for, or there would be bursts.
    this.#creditMs = Math.min(this.#creditMs, intervalMs) +
      this.#line.size * elapsedMs;
    this.#askNext();
  }

  #askNext(): void {
    const { intervalMs } = this.#options;
    for (const client of this.#line) {
      if (this.#creditMs < intervalMs) return;
      if (this.#inFlight.size >= MAX_IN_FLIGHT) return;
      this.#creditMs -= intervalMs;
      this.#line.delete(client);
      this.#line.add(client); // at the end
      const question = this.#ask(client).finally(() => {
        this.#inFlight.delete(question);
        this.#askNext();
      });
      this.#inFlight.add(question);
    }
  }

  async #ask(client: Established): Promise<void> {
    const { verifier, verifyCommand } = this.#options;
    this.#asked++;
    const verdict = await verifier.reverify(client);
    if (verdict.allow || !verdict.isClear || this.#isClosed) return;
    if (!this.#line.has(client)) return; // it has left meanwhile
    this.#ended++;
    const { key, ip } = client;
    const { reason, advice } = verdict;
    const command = verifyCommand?.(key);
    const ask = command === undefined ? "" : `; to ask again: ${command}`;
    log.warn(
      "ended the connection of {short} from {ip}: {reason}; {advice}{ask}",
      { short: key.shortString(), ip, reason, advice, ask },
    );
    client.end();
  }
}
