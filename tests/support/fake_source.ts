/** A source of verdicts that says what a test wants. */
import type { Candidate } from "../../src/admission/admission.ts";
import {
  type Answer,
  type Source,
  SourceError,
  type SourceKind,
} from "../../src/admission/source.ts";
import { NodePublic } from "../../src/keys/node_key.ts";

/** What it does with each question. */
export type FakeAnswer =
  | "admits"
  | "refuses"
  | "refuses unclearly"
  | "errs" // answers with nonsense
  | "is unreachable"
  | "hangs" // until the question's deadline
  | "breaks"; // throws what no source should

/** A client with a key of its own. */
export function candidate(n: number): Candidate {
  const bytes = new Uint8Array(32).fill(9);
  new DataView(bytes.buffer).setUint32(0, n);
  return { key: NodePublic.fromBytes(bytes), ip: "192.0.2.1" };
}

/** Remembers who was asked about. */
export class FakeSource implements Source {
  readonly kind: SourceKind;
  readonly name: string;
  answers: FakeAnswer;
  /** Addresses of the candidates' keys, one for each question. */
  readonly asked: string[] = [];
  mostAtOnce = 0;
  isClosed = false;
  reloads = 0;
  problem?: SourceError | string | undefined;
  readonly check?: (signal: AbortSignal) => Promise<void>;
  #atOnce = 0;

  constructor(
    answers: FakeAnswer = "admits",
    { kind = "tailscaled", name = "fake", canCheck = false }: {
      kind?: SourceKind;
      name?: string;
      canCheck?: boolean;
    } = {},
  ) {
    this.answers = answers;
    this.kind = kind;
    this.name = name;
    if (canCheck) {
      this.check = async (signal) => void await this.#answer(signal);
    }
  }

  async ask({ key }: Candidate, signal: AbortSignal): Promise<Answer> {
    this.asked.push(key.toString());
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    try {
      return await this.#answer(signal);
    } finally {
      this.#atOnce--;
    }
  }

  reload(): Promise<void> {
    this.reloads++;
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
  }

  async #answer(signal: AbortSignal): Promise<Answer> {
    await Promise.resolve();
    const { name } = this;
    switch (this.answers) {
      case "admits":
        return { admitted: true, node: `node of ${name}` };
      case "refuses":
        return {
          admitted: false,
          reason: `Unknown to ${name}`,
          advice: `add it to ${name}`,
        };
      case "refuses unclearly":
        return {
          admitted: false,
          isClear: false,
          reason: `${name} says no`,
          advice: `ask ${name}`,
        };
      case "errs":
        throw failure(`${name} talks nonsense`, { isUnreachable: false });
      case "is unreachable":
        throw failure(`${name} is gone`, { isUnreachable: true });
      case "hangs":
        await new Promise((resolve) =>
          signal.addEventListener("abort", resolve)
        );
        throw failure(`${name} is slow`, { isUnreachable: true });
      case "breaks":
        throw new TypeError("broken");
    }
  }
}

/** An error with an advice. */
export function failure(
  message: string,
  { isUnreachable }: { isUnreachable: boolean },
): SourceError {
  return new SourceError(message, { advice: "restart it", isUnreachable });
}
