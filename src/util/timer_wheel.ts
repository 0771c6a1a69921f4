/** Many coarse timers on one fine one, so that a client costs no timer of its own. */
import type { Cancel, Clock } from "./clock.ts";

/** Deadlines and keep-alives may come this much late. */
const TICK_MS = 250;

/** A clock whose timers share one tick, which runs only while there are any. */
export class TimerWheel implements Clock {
  readonly #clock: Clock;
  /** What is due, by number of the tick. */
  readonly #slots = new Map<number, Set<() => void>>();
  #cancelTick: Cancel | undefined;
  #lastTick: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastTick = this.#tickNow();
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  date(): Date {
    return this.#clock.date();
  }

  after(delayMs: number, fn: () => void): Cancel {
    const tick = Math.ceil((this.nowMs() + Math.max(0, delayMs)) / TICK_MS);
    let slot = this.#slots.get(tick);
    if (slot === undefined) this.#slots.set(tick, slot = new Set());
    const entry = () => fn(); // its own identity, so that one function may be set twice
    slot.add(entry);
    this.#arm();
    return () => {
      slot.delete(entry);
      if (slot.size > 0 || this.#slots.get(tick) !== slot) return;
      this.#slots.delete(tick);
      if (this.#slots.size === 0) this.#disarm();
    };
  }

  /** Forgets all timers. */
  stop(): void {
    this.#slots.clear();
    this.#disarm();
  }

  #tickNow(): number {
    return Math.floor(this.nowMs() / TICK_MS);
  }

  #arm(): void {
    if (this.#cancelTick !== undefined) return;
    this.#lastTick = this.#tickNow();
    const delayMs = (this.#lastTick + 1) * TICK_MS - this.nowMs();
    this.#cancelTick = this.#clock.after(
      Math.ceil(delayMs),
      () => this.#tick(),
    );
  }

  #disarm(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  #tick(): void {
    this.#cancelTick = undefined;
    const now = this.#tickNow();
    for (let tick = this.#lastTick; tick <= now; tick++) {
      const slot = this.#slots.get(tick);
      this.#slots.delete(tick);
      slot?.forEach((fn) => fn());
    }
    this.#lastTick = now;
    if (this.#slots.size > 0) this.#arm();
  }
}
