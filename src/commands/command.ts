/** What a subcommand is: words in front of flags of its own. */
import type { Surroundings } from "../config/surroundings.ts";

/** What ends up as the exit code; that of flags that can't be used is the relay's too. */
export const EXIT = { ok: 0, no: 1, usage: 2 } as const;

/** Where a command says what it has to say, and where it is run. */
export interface CommandPlace {
  /** Its result, to the standard output, as it is. */
  readonly print: (text: string) => void;
  /** One line about what it did, or what went wrong. */
  readonly printError: (line: string) => void;
  readonly surroundings: Surroundings;
}

/**
 * Runs a command with the arguments behind its name; answers `-h` too. Resolves
 * with the exit code.
 *
 * @throws OperatorError, which is shown, and makes the exit code 1
 */
export type RunCommand = (
  args: readonly string[],
  place: CommandPlace,
) => Promise<number>;
