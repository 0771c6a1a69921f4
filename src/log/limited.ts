/** A few lines per kind and minute, for events that strangers can cause at will; all others are counted. */
import type { Cancel, Clock } from "../util/clock.ts";

const INTERVAL_MS = 60_000;
/** Reasons of refusals may name things; what goes beyond counts as one kind. */
const MAX_KINDS = 100;
const OTHER_KINDS = "";

/**
 * Writes a line; `more` is its end, and says of how many it is an example where
 * it stands for several, which are `count`.
 */
export type WriteLine = (more: string, count: number) => void;

/** How a kind is limited. */
export interface LimitOptions {
  /** How many lines in a minute are written as they come. */
  readonly inFull?: number;
  /** Of how many events this is one line. */
  readonly times?: number;
}

/** A minute of one kind. */
interface Minute {
  readonly endMs: number;
  /** How many lines may still be written as they come. */
  left: number;
  /** Events without a line. */
  counted: number;
  /** Writes the line of the last of them. */
  last: WriteLine;
  cancelEnd: Cancel | undefined;
}

/** Kinds are few and fixed in the code; never make one from what a client sent. */
export class LogLimiter {
  readonly #clock: Clock;
  readonly #isOff: boolean;
  readonly #minutes = new Map<string, Minute>();

  /** `isOff`: every line is written as it comes. */
  constructor(clock: Clock, { isOff = false }: { isOff?: boolean } = {}) {
    this.#clock = clock;
    this.#isOff = isOff;
  }

  /**
   * Calls `write` now, or counts it: then the last of those that were counted
   * writes the line for all of them when the minute is over.
   */
  run(
    kind: string,
    write: WriteLine,
    { inFull = 1, times = 1 }: LimitOptions = {},
  ): void {
    if (this.#isOff) return write("", times);
    const minute = this.#minute(kind, inFull);
    if (minute.left > 0) {
      minute.left--;
      return write("", times);
    }
    minute.counted += times;
    minute.last = write;
    minute.cancelEnd ??= this.#clock.after(
      minute.endMs - this.#clock.nowMs(),
      () => this.#end(minute),
    );
  }

  /** Writes the lines for all that was counted, for it is the end. */
  close(): void {
    for (const minute of this.#minutes.values()) {
      minute.cancelEnd?.();
      writeCounted(minute);
    }
    this.#minutes.clear();
  }

  /** The minute at hand; one that is over with nothing to tell is forgotten. */
  #minute(kind: string, left: number): Minute {
    const nowMs = this.#clock.nowMs();
    const known = this.#minutes.get(kind);
    if (known !== undefined && !isOver(known, nowMs)) return known;
    this.#minutes.delete(kind);
    if (this.#minutes.size >= MAX_KINDS) {
      this.#forgetOver(nowMs);
      if (this.#minutes.size >= MAX_KINDS && kind !== OTHER_KINDS) {
        return this.#minute(OTHER_KINDS, left);
      }
    }
    const minute = newMinute(nowMs, left);
    this.#minutes.set(kind, minute);
    return minute;
  }

  #forgetOver(nowMs: number): void {
    for (const [kind, minute] of this.#minutes) {
      if (isOver(minute, nowMs)) this.#minutes.delete(kind);
    }
  }

  /** Noise that goes on gets one line a minute from now on. */
  #end(minute: Minute): void {
    for (const [kind, known] of this.#minutes) {
      if (known !== minute) continue;
      this.#minutes.set(kind, newMinute(this.#clock.nowMs(), 0));
    }
    writeCounted(minute);
  }
}

function newMinute(nowMs: number, left: number): Minute {
  const endMs = nowMs + INTERVAL_MS;
  return { endMs, left, counted: 0, last: () => {}, cancelEnd: undefined };
}

/** One with something to tell is over when its line is written. */
function isOver({ endMs, counted }: Minute, nowMs: number): boolean {
  return counted === 0 && nowMs >= endMs;
}

function writeCounted({ counted, last }: Minute): void {
  if (counted === 0) return;
  last(
    counted === 1
      ? " (in the last minute)"
      : ` (the last of ${counted} in a minute)`,
    counted,
  );
}
