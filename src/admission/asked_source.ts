/** Asks one source: in time, not too often, and remembering what it said. */
import type { LogLimiter } from "../log/limited.ts";
import type { Clock } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { networkOf } from "../util/ip.ts";
import type { Candidate, Verdict } from "./admission.ts";
import { AnswerMemory } from "./answer_memory.ts";
import { NotAskedError } from "./not_asked.ts";
import { Slots } from "./slots.ts";
import {
  type Answer,
  LISTED_KINDS,
  type Source,
  SourceError,
  type SourceKind,
} from "./source.ts";
import { SourceMetrics } from "./source_metrics.ts";
import { SourceState, type StateKind } from "./source_state.ts";

/** For one question, the wait for a slot included. */
const DEADLINE_MS = 5_000;

/** Who waits longer for a slot, there being so many, is told at once. */
const MAX_WAITING = 1_024;

export interface AskedSourceOptions {
  readonly source: Source;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  /** Questions under way at a time; who asks later waits within its deadline. */
  readonly slots: number;
  /** How long an answer counts without another question; 0 is not at all. */
  readonly cacheTtlMs: number;
  /** How long an admission counts while the source fails; 0 is not at all. */
  readonly staleTtlMs: number;
}

/** The verdict of one source; `isUnreachable` where nothing was heard from it. */
export type Finding = Verdict & { readonly isUnreachable?: boolean };

/** A source as a page for operators shows it. */
export interface SourceStatus {
  readonly name: string;
  readonly kind: SourceKind;
  readonly state: StateKind;
  readonly since: Date;
  /** Why it doesn't answer, or what is wrong although it does. */
  readonly lastError: string | undefined;
  readonly asked: number;
  readonly failed: number;
  readonly admitted: number;
  readonly refused: number;
}

/** One question per key at a time, and a bound on all; whoever asks the same meanwhile shares the answer. */
export class AskedSource {
  readonly name: string;
  readonly kind: SourceKind;
  readonly metrics: SourceMetrics;
  readonly #source: Source;
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #memory: AnswerMemory;
  readonly #state: SourceState;
  readonly #isListed: boolean;
  readonly #underWay = new Map<string, Promise<Answer | SourceError>>();
  readonly #deadlines = new Set<AbortController>();
  #checking: Promise<SourceError | undefined> | undefined;
  #isProbing = false;
  #isClosed = false;

  constructor(options: AskedSourceOptions) {
    const { source, clock, limiter, slots, cacheTtlMs, staleTtlMs } = options;
    this.name = source.name;
    this.kind = source.kind;
    this.metrics = new SourceMetrics(source);
    this.#source = source;
    this.#clock = clock;
    this.#slots = new Slots(slots, MAX_WAITING);
    this.#isListed = LISTED_KINDS.has(source.kind);
    this.#memory = new AnswerMemory({
      clock,
      cacheTtlMs: this.#isListed ? 0 : cacheTtlMs,
      staleTtlMs,
    });
    this.#state = new SourceState(source, { clock, limiter });
  }

  /** Answers from memory where that counts, else by a question. Never rejects. */
  async ask(candidate: Candidate): Promise<Finding> {
    const remembered = this.#recall(candidate);
    if (remembered !== undefined) return this.#tell(remembered, "from memory");
    const answer = await this.#question(candidate);
    if (!(answer instanceof SourceError)) return this.#tell(answer);
    const stale = this.#memory.stale(candidate.key.toString());
    return stale === undefined
      ? cannotTell(answer)
      : this.#tell(stale, "from memory");
  }

  /** Answers by a question in any case. Never rejects. */
  async askAnew(candidate: Candidate): Promise<Finding> {
    const answer = await this.#question(candidate);
    return answer instanceof SourceError
      ? cannotTell(answer)
      : this.#finding(answer);
  }

  /** What keeps it from answering; undefined where nothing does, or that can't be tried. Never rejects. */
  check(): Promise<SourceError | undefined> {
    if (this.#source.check === undefined) return Promise.resolve(undefined);
    return this.#checking ??= this.#runCheck().finally(() => {
      this.#checking = undefined;
    });
  }

  get status(): SourceStatus {
    const { asked, failed, admitted, refused } = this.metrics;
    const error = this.#state.error ?? this.#source.problem;
    return {
      name: this.name,
      kind: this.kind,
      state: this.#state.kind,
      since: this.#state.since,
      lastError: error && messageOf(error),
      asked,
      failed,
      admitted,
      refused,
    };
  }

  /** Whether it admits by what it knew before: by memory, or by a list that it can't renew. */
  get runsOnMemory(): boolean {
    return this.#state.kind === "down" && this.knowsSomeone ||
      this.#source.problem instanceof SourceError;
  }

  /** Whether anybody is welcome while it doesn't answer. */
  get knowsSomeone(): boolean {
    return this.#memory.knowsSomeone;
  }

  /** Has the source look for what may have changed. Never rejects. */
  async reload(): Promise<void> {
    await this.#source.reload?.();
  }

  /** Ends all questions; resolves when none is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const deadline of this.#deadlines) deadline.abort();
    await Promise.all([...this.#underWay.values(), this.#checking]);
    await this.#source.close?.();
  }

  /** An answer that counts without waiting for another. */
  #recall(candidate: Candidate): Answer | undefined {
    const id = candidate.key.toString();
    const cached = this.#memory.cached(id);
    if (cached !== undefined || this.#state.kind !== "down") return cached;
    const stale = this.#memory.stale(id);
    if (stale !== undefined) this.#probe(candidate);
    return stale;
  }

  /** One question at a time finds out whether the source is back, while nobody waits for it. */
  #probe(candidate: Candidate): void {
    if (this.#isProbing || this.#isClosed) return;
    this.#isProbing = true;
    void this.#question(candidate).then(() => {
      this.#isProbing = false;
    });
  }

  #question(candidate: Candidate): Promise<Answer | SourceError> {
    const id = candidate.key.toString();
    let answer = this.#underWay.get(id);
    if (answer === undefined) {
      answer = this.#put(candidate).finally(() => this.#underWay.delete(id));
      this.#underWay.set(id, answer);
    }
    return answer;
  }

  async #put(candidate: Candidate): Promise<Answer | SourceError> {
    const answer = this.#known(candidate) ??
      await this.#inTime(async (signal) => {
        const start = this.#clock.nowMs();
        this.metrics.asked++;
        try {
          return await this.#source.ask(candidate, signal);
        } catch (error) {
          if (!this.#isClosed) this.metrics.failed++;
          throw error;
        } finally {
          this.metrics.seconds.observe((this.#clock.nowMs() - start) / 1000);
        }
      }, networkOf(candidate.ip));
    if (!(answer instanceof SourceError)) {
      this.#memory.note(candidate.key.toString(), answer);
      this.#noteAnswer();
    } else if (!(answer instanceof NotAskedError) && !this.#isListed) {
      this.#state.noteFailure(answer); // a list that can't be renewed still answers for most
    }
    return answer;
  }

  /** Who is known doesn't wait behind strangers for whom a list is looked at again. */
  #known(candidate: Candidate): Answer | undefined {
    const known = this.#isClosed ? undefined : this.#source.known?.(candidate);
    if (known === undefined) return undefined;
    this.metrics.asked++;
    this.metrics.seconds.observe(0);
    return known;
  }

  async #runCheck(): Promise<SourceError | undefined> {
    const failure = await this.#inTime(async (signal) => {
      await this.#source.check?.(signal);
    }, "the relay itself");
    if (failure === undefined) this.#noteAnswer();
    else if (!(failure instanceof NotAskedError)) {
      this.#state.noteFailure(failure);
    }
    return this.#state.error;
  }

  /** What comes of a question, which gets a slot and a deadline; askers get slots in turn. */
  async #inTime<T>(
    ask: (signal: AbortSignal) => Promise<T>,
    asker: string,
  ): Promise<T | SourceError> {
    const startMs = this.#clock.nowMs();
    const deadline = new AbortController();
    const { signal } = deadline;
    const cancel = this.#clock.after(DEADLINE_MS, () => deadline.abort());
    this.#deadlines.add(deadline);
    if (this.#isClosed) deadline.abort();
    const release = await this.#slots.take(signal, asker);
    const hadAllTime = this.#clock.nowMs() === startMs;
    try {
      if (this.#isClosed) return NotAskedError.stopping(this.name);
      if (release === undefined) return this.#busy(startMs, signal);
      return await ask(signal);
    } catch (error) {
      if (this.#isClosed) return NotAskedError.stopping(this.name);
      // What many questions did to this one must not pass for an outage.
      const isLate = signal.aborted && !hadAllTime &&
        this.#state.wasHeardSince(startMs);
      return isLate
        ? this.#busy(startMs, signal)
        : SourceError.from(error, this.name);
    } finally {
      release?.();
      cancel();
      this.#deadlines.delete(deadline);
    }
  }

  /** Who has waited for a slot all the time, while nothing was heard, has reached nobody either. */
  #busy(startMs: number, { aborted: hasWaited }: AbortSignal): SourceError {
    const isUnreachable = hasWaited
      ? !this.#state.wasHeardSince(startMs)
      : this.#state.error?.isUnreachable ?? false;
    return NotAskedError.busy(this.name, { isUnreachable });
  }

  #noteAnswer(): void {
    this.metrics.lastSuccessUnixTime = Math.floor(
      this.#clock.date().getTime() / 1000,
    );
    this.#state.noteAnswer();
  }

  /** The finding for a client that waits for it, counted. */
  #tell(answer: Answer, from?: "from memory"): Finding {
    if (from !== undefined) this.metrics.cached++;
    if (answer.admitted) this.metrics.admitted++;
    else this.metrics.refused++;
    return this.#finding(answer);
  }

  #finding(answer: Answer): Finding {
    if (answer.admitted) {
      return { allow: true, by: this.name, node: answer.node };
    }
    const { isClear = true, reason, advice } = answer;
    return { allow: false, isClear, reason, advice };
  }
}

function cannotTell(error: SourceError): Finding {
  const { message: reason, advice, isUnreachable } = error;
  return { allow: false, isClear: false, reason, advice, isUnreachable };
}
