/** Whether a source answers, as seen from its questions; each change is logged once. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import type { Clock } from "../util/clock.ts";
import { LISTED_KINDS, type Source, type SourceError } from "./source.ts";

const log = logger("admission");

/** Of a source, in a minute. */
const LINES_IN_FULL = 10;

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
  readonly #limiter: LogLimiter;
  readonly #isLogged: boolean;
  #state: State;
  #lastHeardMs = -Infinity;

  constructor(
    { name, kind }: Pick<Source, "name" | "kind">,
    { clock, limiter }: { clock: Clock; limiter: LogLimiter },
  ) {
    this.#name = name;
    this.#clock = clock;
    this.#limiter = limiter;
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
      this.#tell((source, more) =>
        log.info("{source} answers again{more}", { source, more })
      );
    }
    this.#state = { kind: "up", since: this.#clock.date() };
  }

  noteFailure(error: SourceError): void {
    if (!error.isUnreachable) this.#lastHeardMs = this.#clock.nowMs();
    const wasDown = this.#state.kind === "down";
    const since = wasDown ? this.#state.since : this.#clock.date();
    this.#state = { kind: "down", since, error };
    if (wasDown || !this.#isLogged) return;
    const { message: reason, advice } = error;
    this.#tell((source, more) =>
      log.warn("{source} can't verify clients: {reason}; {advice}{more}", {
        source,
        reason,
        advice,
        more,
      })
    );
  }

  /** One that fails at every other question has a few lines a minute. */
  #tell(write: (source: string, more: string) => void): void {
    const name = this.#name;
    this.#limiter.run(`source:${name}`, (more) => write(name, more), {
      inFull: LINES_IN_FULL,
    });
  }
}
