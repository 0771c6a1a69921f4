/** Decides by all sources of verdicts together who may use the relay. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import type { Clock } from "../util/clock.ts";
import type { Admission, Candidate, Verdict } from "./admission.ts";
import {
  AskedSource,
  type Finding,
  type SourceStatus,
} from "./asked_source.ts";
import {
  describeGroups,
  firstAdmission,
  groupByPolicy,
  judgeGroups,
  type Policy,
  refuseTogether,
} from "./policy.ts";
import type { Source, SourceKind } from "./source.ts";

const log = logger("admission");

/** Questions under way at a time, shared out among the sources so that one that hangs can't starve another. */
const MAX_QUESTIONS = 64;

export interface VerifierOptions {
  /** At least one; the verifier closes them. */
  readonly sources: readonly Source[];
  readonly policy: Policy;
  /** Whether clients are let in while a source of kind "url" can't be reached. */
  readonly urlFailOpen: boolean;
  /** How long an answer counts without another question; 0 is not at all. */
  readonly cacheTtlMs: number;
  /** How long an admission counts while its source fails; 0 is not at all. */
  readonly staleTtlMs: number;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
}

/** What one source says of a client, for whoever wants to know it of each. */
export interface SourceReport {
  readonly name: string;
  readonly kind: SourceKind;
  readonly verdict: Verdict;
  readonly tookMs: number;
}

/** How the sources are, taken together. */
export interface VerifierState {
  /** One line about what keeps clients from being verified; undefined where nothing does. */
  readonly problem: string | undefined;
  /** Whether those who are known from before are admitted in spite of it. */
  readonly admitsKnown: boolean;
}

type Question = (source: AskedSource) => Promise<Finding>;

/**
 * The groups are asked one after another, the sources of a group at the same
 * time. Each source admits, refuses clearly or can't tell; who isn't admitted
 * is refused, but only a clear refusal is one to act upon later.
 */
export class Verifier implements Admission {
  /** For the ready line, for example `tailscaled at "/run/…/tailscaled.sock"`. */
  readonly name: string;
  readonly #options: VerifierOptions;
  readonly #sources: readonly AskedSource[];
  readonly #groups: readonly (readonly AskedSource[])[];

  constructor(options: VerifierOptions) {
    const { sources, policy, cacheTtlMs, staleTtlMs } = options;
    const { clock, limiter } = options;
    const slots = Math.max(1, Math.floor(MAX_QUESTIONS / sources.length));
    const parts = { clock, limiter, slots, cacheTtlMs, staleTtlMs };
    this.#options = options;
    this.#sources = sources.map((source) =>
      new AskedSource({ source, ...parts })
    );
    this.#groups = groupByPolicy(this.#sources, policy);
    this.name = describeGroups(this.#groups);
  }

  async admit(candidate: Candidate): Promise<Verdict> {
    const admissions: Verdict[] = [];
    for (const group of this.#groups) {
      const verdict = await this.#askGroup(
        group,
        (source) => source.ask(candidate),
        ({ name, metrics }, reason) => {
          metrics.unverified++;
          this.#logUnverified(candidate, reason);
          return failedOpen(name);
        },
      );
      if (!verdict.allow) return verdict;
      admissions.push(verdict);
    }
    return judgeGroups(admissions);
  }

  /** Asks the sources themselves, none from memory; for a client that was admitted before. Never rejects. */
  async reverify(candidate: Candidate): Promise<Verdict> {
    return await this.#judge((source) => source.askAnew(candidate));
  }

  /** Asks every source itself, and says what each says and what follows from that. Never rejects. */
  async explain(
    candidate: Candidate,
  ): Promise<{ verdict: Verdict; sources: SourceReport[] }> {
    const { clock } = this.#options;
    const findings = new Map<AskedSource, Finding>();
    const sources = await Promise.all(this.#sources.map(async (source) => {
      const startMs = clock.nowMs();
      const verdict = await source.askAnew(candidate);
      findings.set(source, verdict);
      const tookMs = clock.nowMs() - startMs;
      return { name: source.name, kind: source.kind, verdict, tookMs };
    }));
    const verdict = await this.#judge(
      (source) => Promise.resolve(findings.get(source)!),
    );
    return { verdict, sources };
  }

  /** One line about what keeps clients from being verified at the moment. Never rejects. */
  async check(): Promise<string | undefined> {
    return (await this.inspect()).problem;
  }

  /** Tries all sources that can be tried. Never rejects. */
  async inspect(): Promise<VerifierState> {
    const groups = await Promise.all(this.#groups.map(async (group) => {
      const errors = await Promise.all(group.map((source) => source.check()));
      const failing = errors.filter((error) => error !== undefined);
      return failing.length < group.length ? undefined : {
        problem: failing.map(({ message, advice }) => `${message}; ${advice}`),
        admitsKnown: group.some((source) => source.knowsSomeone),
      };
    }));
    const failing = groups.filter((group) => group !== undefined);
    return {
      problem: failing.flatMap(({ problem }) => problem).join("; and ") ||
        undefined,
      admitsKnown: failing.every(({ admitsKnown }) => admitsKnown),
    };
  }

  /** Whether some source is down, and those it knows from before are welcome for that alone. */
  get runsOnMemory(): boolean {
    return this.#sources.some((source) => source.runsOnMemory);
  }

  /** How each source is, for a page. */
  states(): readonly SourceStatus[] {
    return this.#sources.map(({ status }) => status);
  }

  /** What is counted of each source. */
  snapshot(): Record<string, number> {
    return Object.assign(
      {},
      ...this.#sources.map(({ metrics }) => metrics.snapshot()),
    );
  }

  /** Has the sources look at once for what may have changed. Never rejects. */
  async reload(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.reload()));
  }

  /** Ends all questions, and the sources. */
  async close(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close()));
  }

  async #judge(question: Question): Promise<Verdict> {
    return judgeGroups(
      await Promise.all(
        this.#groups.map((group) =>
          this.#askGroup(group, question, ({ name }) => failedOpen(name))
        ),
      ),
    );
  }

  async #askGroup(
    group: readonly AskedSource[],
    question: Question,
    failOpen: (source: AskedSource, reason: string) => Verdict,
  ): Promise<Verdict> {
    const findings = group.map(question);
    const admission = await firstAdmission(findings);
    if (admission !== undefined) return admission;
    const refusals = (await Promise.all(findings))
      .filter((finding) => !finding.allow);
    if (this.#options.urlFailOpen) {
      for (const [i, source] of group.entries()) {
        const { isUnreachable = false, reason } = refusals[i]!;
        if (source.kind !== "url" || !isUnreachable) continue;
        return failOpen(source, reason);
      }
    }
    return refuseTogether(refusals);
  }

  #logUnverified({ key, ip }: Candidate, reason: string): void {
    this.#options.limiter.run("verify-url-fail-open", (more) =>
      log.warn(
        "admitted {key} from {ip} unverified: {reason}; -verify-client-url-fail-open=false would refuse{more}",
        { key: key.shortString(), ip, reason, more },
      ));
  }
}

/** Nobody has verified the client, which its name has to tell. */
function failedOpen(name: string): Verdict {
  return { allow: true, by: `nobody, for ${name} can't be reached` };
}
