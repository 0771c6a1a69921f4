/** Whether a node key may use the relay. */
import type { NodePublic } from "../keys/node_key.ts";

/** Who asks to be admitted: its node key has been proven, its address is the socket's. */
export interface Candidate {
  readonly key: NodePublic;
  readonly ip: string;
}

/** The answer; `reason` says what was found, `advice` what an operator can do about it. */
export type Verdict =
  | { readonly allow: true }
  | {
    readonly allow: false;
    readonly reason: string;
    readonly advice: string;
  };

/** A source of verdicts. Never rejects and always answers within its own deadline. */
export interface Admission {
  /** For the ready line, for example `tailscaled at /run/…/tailscaled.sock`. */
  readonly name: string;
  admit(candidate: Candidate): Promise<Verdict>;
  /**
   * Tries whether clients can be verified at all; one line about what keeps
   * them from it. Never rejects, and answers within its own deadline.
   */
  check?(): Promise<string | undefined>;
  /** Gives back connections, where it keeps any. */
  close?(): void;
}

/** Admits whom every one of `sources` admits, asked in turn; derper's rule for its two flags. */
export function requireAll(sources: readonly Admission[]): Admission {
  return {
    name: sources.map((source) => source.name).join(" and "),
    async admit(candidate) {
      for (const source of sources) {
        const verdict = await source.admit(candidate);
        if (!verdict.allow) return verdict;
      }
      return { allow: true };
    },
    async check() {
      const problems = await Promise.all(
        sources.map((source) => source.check?.()),
      );
      return problems.filter((problem) => problem !== undefined)
        .join("; and ") || undefined;
    },
    close() {
      for (const source of sources) source.close?.();
    },
  };
}
