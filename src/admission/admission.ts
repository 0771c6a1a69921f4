/** Whether a node key may use the relay. */
import type { NodePublic } from "../keys/node_key.ts";

/** Who asks to be admitted: its node key has been proven, its address is the socket's. */
export interface Candidate {
  readonly key: NodePublic;
  readonly ip: string;
}

/** The answer; `reason` says what was found, `advice` what an operator can do about it. */
export type Verdict =
  | {
    readonly allow: true;
    /** The name of the source that admitted it. */
    readonly by: string;
    /** What that source calls the node, where it has a name for it. */
    readonly node?: string | undefined;
  }
  | {
    readonly allow: false;
    /** Whether who could tell said no, as opposed to: nobody could tell. */
    readonly isClear: boolean;
    readonly reason: string;
    readonly advice: string;
  };

/** A source of verdicts. Never rejects and always answers within its own deadline. */
export interface Admission {
  admit(candidate: Candidate): Promise<Verdict>;
  /**
   * Tries whether clients can be verified at all; one line about what keeps
   * them from it. Never rejects, and answers within its own deadline.
   */
  check?(): Promise<string | undefined>;
}
