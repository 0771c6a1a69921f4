/** Why a source was not asked, or not in earnest. */
import { SourceError } from "./source.ts";

/** It says nothing about the source. */
export class NotAskedError extends SourceError {
  /** Others were before this question, and left it too little time. */
  static busy(
    name: string,
    { isUnreachable }: { isUnreachable: boolean },
  ): NotAskedError {
    return new NotAskedError(`Too many questions to ${name} at a time`, {
      advice: "it is slow, or many clients connect at once; they try again",
      isUnreachable,
    });
  }

  /** There is no time for an answer any more. */
  static stopping(name: string): NotAskedError {
    return new NotAskedError(`The relay stops before ${name} could answer`, {
      advice: "clients try again",
      isUnreachable: false,
    });
  }
}
