/** Admits the devices that a control plane lists (`-verify-headscale`, `-verify-tailscale-api`). */
import { logger } from "../log/log.ts";
import type { Cancel, Clock } from "../util/clock.ts";
import { counted } from "../util/counted.ts";
import { unlessAborted } from "../util/unless_aborted.ts";
import type { Candidate } from "./admission.ts";
import {
  type Device,
  type DeviceList,
  type DeviceLister,
  RetryLaterError,
} from "./device_list.ts";
import {
  type Answer,
  type Source,
  SourceError,
  type SourceKind,
} from "./source.ts";

const log = logger("admission");

/** Between two looks at the list. */
const POLL_MS = 60_000;

/** After a failure; doubles with each one that follows. */
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 120_000;

/** For one look at the list, everything included. */
const DEADLINE_MS = 20_000;

/** Between two looks for unknown devices, which bounds how often strangers make us ask. */
const SEEK_MS = 5_000;

/** How long an empty list that follows another one has to stay empty until it is believed. */
const EMPTY_PATIENCE_MS = 300_000;

export interface ListedSourceOptions {
  readonly kind: SourceKind;
  readonly name: string;
  readonly lister: DeviceLister;
  readonly clock: Clock;
  /** 0 to 1, for tests. */
  readonly random?: () => number;
}

/**
 * Looks at the list each minute, and at once for a device that isn't in it.
 * Whatever happens to the server, its last good list goes on to admit those in
 * it until their keys expire; nobody is clearly refused by an old list.
 */
export class ListedSource implements Source {
  readonly kind: SourceKind;
  readonly name: string;
  readonly #options: ListedSourceOptions;
  readonly #stopping = new AbortController();
  #list: DeviceList | undefined;
  #listedAtMs = 0;
  /** When the server began to say that there is no device any more. */
  #emptySinceMs: number | undefined;
  /** Why the last look at the list failed; undefined while all is well. */
  #problem: SourceError | undefined;
  #failures = 0;
  /** When an unknown device was last looked for. */
  #soughtAtMs = -Infinity;
  /** The server isn't to be asked earlier. */
  #notBeforeMs = -Infinity;
  #underWay: Promise<void> | undefined;
  #cancelNext: Cancel | undefined;

  /** Begins to look at once. */
  constructor(options: ListedSourceOptions) {
    this.kind = options.kind;
    this.name = options.name;
    this.#options = options;
    this.#look().catch(() => {}); // logged, and known to whoever asks
  }

  /** Why the list can't be had at the moment, whether or not an old one still answers. */
  get problem(): SourceError | undefined {
    return this.#problem;
  }

  /** How old the list is, counted from the end of the look that confirmed it; undefined while there is none. */
  get listAgeMs(): number | undefined {
    return this.#list && this.#options.clock.nowMs() - this.#listedAtMs;
  }

  async ask(candidate: Candidate, signal: AbortSignal): Promise<Answer> {
    const known = this.known(candidate);
    if (known !== undefined) return known;
    await this.#lookForUnknown(signal);
    return this.#find(candidate.key.toString());
  }

  known({ key }: Candidate): Answer | undefined {
    const answer = this.#find(key.toString());
    return answer.admitted ? answer : undefined;
  }

  /** It can answer as long as it has a list. */
  async check(signal: AbortSignal): Promise<void> {
    if (this.#list !== undefined) return;
    await this.#lookForUnknown(signal);
  }

  /** Looks now, as an operator asks for it, and says what was found. */
  async reload(): Promise<void> {
    const { problem } = this;
    await this.#look().catch(() => {});
    if (this.#stopping.signal.aborted) return;
    const now = this.problem;
    if (now !== undefined && problem !== undefined) this.#logProblem(now);
    if (now === undefined && problem === undefined) this.#logList("still ");
  }

  /** Ends what is under way; nothing is to be asked any more. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#cancelNext?.();
    await this.#underWay?.catch(() => {});
    this.#options.lister.close();
  }

  #find(id: string): Answer {
    const device = this.#list?.byKey.get(id);
    const why = device === undefined
      ? `Not in the list of ${this.name}`
      : whyNot(device, this.#options.clock.date());
    if (why === undefined) return { admitted: true, node: device?.name };
    return {
      admitted: false,
      reason: device === undefined
        ? why
        : `In the list of ${this.name}, but the device${
          device.name === undefined ? "" : ` ${JSON.stringify(device.name)}`
        } ${why}`,
      advice: device === undefined
        ? "is the client logged in there? One that was added within the last seconds gets in when it tries again"
        : "put that right there, or log in again on the device",
    };
  }

  /** Resolves when the list is new enough to refuse by it: from now, or some seconds ago. */
  #lookForUnknown(signal: AbortSignal): Promise<void> {
    return unlessAborted(this.#recentLook(), signal, () => this.#notInTime());
  }

  #recentLook(): Promise<void> {
    if (this.#underWay !== undefined) return this.#underWay;
    if (this.#stopping.signal.aborted) return Promise.reject(this.#notInTime());
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#soughtAtMs >= SEEK_MS && nowMs >= this.#notBeforeMs) {
      this.#soughtAtMs = nowMs;
      return this.#look();
    }
    return this.#problem ? Promise.reject(this.#problem) : Promise.resolve();
  }

  #look(): Promise<void> {
    this.#underWay ??= this.#lookOnce().finally(() => {
      this.#underWay = undefined;
      this.#scheduleNext();
    });
    return this.#underWay;
  }

  async #lookOnce(): Promise<void> {
    const { lister, clock } = this.#options;
    const deadline = new AbortController();
    const abort = () => deadline.abort();
    const cancel = clock.after(DEADLINE_MS, abort);
    this.#stopping.signal.addEventListener("abort", abort);
    try {
      this.#take(await lister.list(this.#list?.etag, deadline.signal));
    } catch (error) {
      throw this.#fail(error);
    } finally {
      cancel();
      this.#stopping.signal.removeEventListener("abort", abort);
    }
  }

  #take(list: DeviceList | undefined): void {
    const nowMs = this.#options.clock.nowMs();
    const isFirst = this.#list === undefined;
    if (list !== undefined) {
      this.#requireBelievable(list, nowMs);
      this.#list = list;
    }
    this.#emptySinceMs = undefined;
    this.#listedAtMs = nowMs;
    this.#failures = 0;
    const hadProblem = this.#problem !== undefined;
    this.#problem = undefined;
    if (isFirst) this.#logList("");
    else if (hadProblem) this.#logList("again ");
  }

  /** A server that lost its data must not make the relay refuse everybody. */
  #requireBelievable({ count }: DeviceList, nowMs: number): void {
    const before = this.#list?.count ?? 0;
    if (count > 0 || before === 0) return;
    this.#emptySinceMs ??= nowMs;
    if (nowMs - this.#emptySinceMs >= EMPTY_PATIENCE_MS) return;
    throw new SourceError(
      `${this.name} lists no device at all, after ${before} before`,
      {
        advice: `has it lost its data? It is believed when it says so for ${
          EMPTY_PATIENCE_MS / 60_000
        } minutes`,
        isUnreachable: false,
      },
    );
  }

  /** The error as whoever asks gets it; the first in a row is logged. */
  #fail(error: unknown): SourceError {
    const { clock } = this.#options;
    const problem = SourceError.from(error, this.name);
    if (problem instanceof RetryLaterError) {
      this.#notBeforeMs = clock.nowMs() + problem.retryAfterMs;
    }
    const isFirst = this.#problem === undefined;
    if (isFirst && !this.#stopping.signal.aborted) this.#logProblem(problem);
    this.#problem = problem;
    this.#failures++;
    return problem;
  }

  get #devices(): string {
    return counted(this.#list?.count ?? 0, "device");
  }

  #logList(how: string): void {
    log.info("{source} {how}lists {devices}", {
      source: this.name,
      how,
      devices: this.#devices,
    });
  }

  #logProblem({ message, advice }: SourceError): void {
    log.warn("{why}; {advice}; {meanwhile}", {
      why: message,
      advice,
      meanwhile: this.#list === undefined
        ? "nobody is admitted by it yet"
        : `its last list, ${this.#devices}, goes on to admit`,
    });
  }

  #scheduleNext(): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, random = Math.random } = this.#options;
    const pauseMs = this.#failures === 0
      ? POLL_MS
      : Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), LAST_RETRY_MS);
    const waitMs = Math.max(
      pauseMs * (1 - random() / 10),
      this.#notBeforeMs - clock.nowMs(),
    );
    this.#cancelNext?.();
    this.#cancelNext = clock.after(waitMs, () => {
      this.#look().catch(() => {}); // as in the constructor
    });
  }

  #notInTime(): SourceError {
    return new SourceError(`No answer from ${this.name}: not in time`, {
      advice: this.#problem?.advice ?? "it is slow, or hangs",
      isUnreachable: true,
    });
  }
}

/** Why a device that is listed may not use the relay; undefined where it may. */
function whyNot(
  { barred, expiresAtMs }: Device,
  now: Date,
): string | undefined {
  if (barred !== undefined) return barred;
  if (now.getTime() < expiresAtMs) return undefined;
  return `has a key that expired at ${new Date(expiresAtMs).toISOString()}`;
}
