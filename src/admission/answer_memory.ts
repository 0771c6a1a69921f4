/** What a source has said of whom, for as long as that counts. */
import type { Clock } from "../util/clock.ts";
import type { Answer } from "./source.ts";

/** Some 200 bytes each; whoever was admitted longest ago is forgotten first. */
const MAX_ADMITTED = 50_000;

/** Kept apart, so that strangers can't make the relay forget members. */
const MAX_REFUSED = 10_000;

/** Short, for somebody may just have been added. */
const REFUSAL_TTL_MS = 10_000;

export type Admitted = Extract<Answer, { admitted: true }>;
export type Refused = Extract<Answer, { admitted: false }>;

export interface AnswerMemoryOptions {
  readonly clock: Clock;
  /** How long an answer counts without another question (refusals: for a short time); 0 is not at all. */
  readonly cacheTtlMs: number;
  /** How long an admission counts while the source fails; 0 is not at all. */
  readonly staleTtlMs: number;
}

/** The last answer about each key, oldest first. */
export class AnswerMemory {
  readonly #options: AnswerMemoryOptions;
  readonly #admitted: Remembered<Admitted>;
  readonly #refused: Remembered<Refused>;

  constructor(options: AnswerMemoryOptions) {
    const { clock, cacheTtlMs, staleTtlMs } = options;
    this.#options = options;
    this.#admitted = new Remembered(clock, {
      max: MAX_ADMITTED,
      ttlMs: Math.max(cacheTtlMs, staleTtlMs),
    });
    this.#refused = new Remembered(clock, {
      max: MAX_REFUSED,
      ttlMs: cacheTtlMs > 0 ? REFUSAL_TTL_MS : 0,
    });
  }

  note(key: string, answer: Answer): void {
    if (answer.admitted) {
      this.#refused.delete(key);
      this.#admitted.set(key, answer);
    } else {
      this.#admitted.delete(key);
      this.#refused.set(key, answer);
    }
  }

  /** What counts without another question. */
  cached(key: string): Answer | undefined {
    const { cacheTtlMs } = this.#options;
    return this.#admitted.get(key, cacheTtlMs) ?? this.#refused.get(key);
  }

  /** What counts while the source fails. */
  stale(key: string): Admitted | undefined {
    return this.#admitted.get(key, this.#options.staleTtlMs);
  }

  /** Whether anybody would be admitted while the source fails. */
  get knowsSomeone(): boolean {
    return this.#admitted.hasSince(this.#options.staleTtlMs);
  }
}

interface Entry<T> {
  readonly answer: T;
  readonly atMs: number;
}

/** Answers by key, up to a number and an age. */
class Remembered<T> {
  readonly #clock: Clock;
  readonly #limits: { readonly max: number; readonly ttlMs: number };
  readonly #entries = new Map<string, Entry<T>>();
  #lastMs = -Infinity;

  constructor(clock: Clock, limits: { max: number; ttlMs: number }) {
    this.#clock = clock;
    this.#limits = limits;
  }

  set(key: string, answer: T): void {
    const { max, ttlMs } = this.#limits;
    if (ttlMs === 0) return;
    const nowMs = this.#clock.nowMs();
    this.#entries.delete(key); // the newest is last
    this.#entries.set(key, { answer, atMs: nowMs });
    this.#lastMs = nowMs;
    for (const [oldest, { atMs }] of this.#entries) {
      if (this.#entries.size <= max && nowMs - atMs < ttlMs) break;
      this.#entries.delete(oldest);
    }
  }

  get(key: string, ttlMs = this.#limits.ttlMs): T | undefined {
    const entry = this.#entries.get(key);
    const ageMs = this.#clock.nowMs() - (entry?.atMs ?? -Infinity);
    return ageMs < ttlMs ? entry?.answer : undefined;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  hasSince(ttlMs: number): boolean {
    return this.#entries.size > 0 && this.#clock.nowMs() - this.#lastMs < ttlMs;
  }
}
