/** Whether a source answers, as seen from its questions; each change is logged once. */
import { logger } from "../log/log.ts";
import type { Clock } from "../util/clock.ts";
import { LISTED_KINDS, type Source, type SourceError } from "./source.ts";

const log = logger("admission");

/** Since when, and if it doesn't answer, why. */
type State =
  | { readonly kind: "unknown" | "up"; readonly since: Date }
  | {
    readonly kind: "down";
    readonly since: Date;
    readonly error: SourceError;
  };

/** "unknown" until the source is first asked. */
export type StateKind = State["kind"];

/** The state of one source. */
export class SourceState {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #isLogged: boolean;
  #state: State;
  #lastHeardMs = -Infinity;

  constructor(
    { name, kind }: Pick<Source, "name" | "kind">,
    clock: Clock,
  ) {
    this.#name = name;
    this.#clock = clock;
    this.#isLogged = !LISTED_KINDS.has(kind);
    this.#state = { kind: "unknown", since: clock.date() };
  }

  get kind(): StateKind {
    return this.#state.kind;
  }

  get since(): Date {
    return this.#state.since;
  }

  /** Why it is down; undefined where it isn't. */
  get error(): SourceError | undefined {
    return this.#state.kind === "down" ? this.#state.error : undefined;
  }

  /** Whether anything, be it nonsense, came from it since then. */
  wasHeardSince(ms: number): boolean {
    return this.#lastHeardMs >= ms;
  }

  noteAnswer(): void {
    this.#lastHeardMs = this.#clock.nowMs();
    if (this.#state.kind === "up") return;
    if (this.#state.kind === "down" && this.#isLogged) {
      log.info("{source} answers again", { source: this.#name });
    }
    this.#state = { kind: "up", since: this.#clock.date() };
  }

  noteFailure(error: SourceError): void {
    if (!error.isUnreachable) this.#lastHeardMs = this.#clock.nowMs();
    const wasDown = this.#state.kind === "down";
    const since = wasDown ? this.#state.since : this.#clock.date();
    this.#state = { kind: "down", since, error };
    if (wasDown || !this.#isLogged) return;
    log.warn("{source} can't verify clients: {reason}; {advice}", {
      source: this.#name,
      reason: error.message,
      advice: error.advice,
    });
  }
}
