/** One place that knows who may use the relay: a tailscaled, a server, a file. */
import { messageOf } from "../util/error_message.ts";
import type { Candidate } from "./admission.ts";

/** In the order in which they are asked; tailscaled before the URL is derper's. */
export const SOURCE_KINDS = [
  "tailscaled",
  "url",
  "keys-file",
  "headscale",
  "tailscale-api",
] as const;

/** Sources of one kind stand in for each other. */
export type SourceKind = typeof SOURCE_KINDS[number];

/**
 * Kinds that answer from a list of their own: it is as quick as a cache, and
 * newer. They log themselves whether they can renew it.
 */
export const LISTED_KINDS: ReadonlySet<SourceKind> = new Set<SourceKind>([
  "keys-file",
  "headscale",
  "tailscale-api",
]);

/** What a source says. `reason` says what was found, `advice` what an operator can do about it. */
export type Answer =
  | {
    readonly admitted: true;
    /** What the source calls the node, where it has a name for it. */
    readonly node?: string | undefined;
  }
  | {
    readonly admitted: false;
    /** False where it says no without saying that the client isn't welcome: no connection ends for that. */
    readonly isClear?: boolean;
    readonly reason: string;
    readonly advice: string;
  };

/** Thrown by a source that can't tell: nobody is let in or thrown out for it. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  /** What an operator can do about it. */
  readonly advice: string;
  /** Whether nothing was heard from it at all, as opposed to nonsense. */
  readonly isUnreachable: boolean;

  constructor(
    message: string,
    options: { advice: string; isUnreachable: boolean; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.advice = options.advice;
    this.isUnreachable = options.isUnreachable;
  }

  /** `error` itself where it is one, else what to say of an error that no source should throw. */
  static from(error: unknown, name: string): SourceError {
    if (error instanceof SourceError) return error;
    return new SourceError(`Cannot ask ${name}: ${messageOf(error)}`, {
      advice: "please report this as a bug of the relay",
      isUnreachable: false,
      cause: error,
    });
  }
}

/** Asked about one client at a time; `AskedSource` adds deadlines, bounds, memory and counters. */
export interface Source {
  readonly kind: SourceKind;
  /** For operators, and different from all others', for example `tailscaled at "/run/…/tailscaled.sock"`. */
  readonly name: string;
  /**
   * Answers once; rejects soon when `signal` aborts.
   *
   * @throws SourceError when it can't tell
   */
  ask(candidate: Candidate, signal: AbortSignal): Promise<Answer>;
  /** The answer about a client whom it admits without asking anybody, as one in its list; it takes nobody's place. */
  known?(candidate: Candidate): Answer | undefined;
  /**
   * Finds out whether it could answer, whether clients come or not. It fails
   * when `ask` would, and only then. Rejects soon when `signal` aborts.
   *
   * @throws SourceError when it couldn't
   */
  check?(signal: AbortSignal): Promise<void>;
  /** What is wrong although it can answer, as with a list that can't be renewed. */
  readonly problem?: SourceError | string | undefined;
  /** Looks at once for what may have changed, as an operator asks for it. Never rejects. */
  reload?(): Promise<void>;
  /** Ends what it keeps going: connections, timers, watches. */
  close?(): void | Promise<void>;
}
