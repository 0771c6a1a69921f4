/** `derper keys export`: its flags. */
import {
  flagDefaults,
  type FlagTable,
  parseGoFlags,
} from "../config/go_flag.ts";
import { flagsText } from "../config/usage.ts";
import { TAILSCALED_SOCKET } from "../config/verification_rules.ts";
import { systemClock } from "../util/clock.ts";
import { type CommandPlace, EXIT } from "./command.ts";
import { exportKeys } from "./keys_export.ts";

const FLAGS = {
  "o": {
    type: "string",
    default: "",
    help:
      "file to write, which is replaced as a whole; nothing given for the standard output",
  },
  "socket": {
    type: "string",
    default: TAILSCALED_SOCKET,
    help: "unix socket of tailscaled",
  },
} as const satisfies FlagTable;

const HELP = `Usage of derper keys export:

Run it on a machine whose tailscaled knows the tailnet, and give the relay the
file with -verify-keys-file. The exit code is 0 where the list was written, 1
where it wasn't, and 2 for flags that can't be used.

`;

/** Reads its arguments, does it, and resolves with the exit code. */
export async function keysExport(
  args: readonly string[],
  { print, printError, surroundings }: CommandPlace,
): Promise<number> {
  const defaults = flagDefaults(FLAGS, surroundings);
  const { values, problems, help } = parseGoFlags(args, FLAGS, { defaults });
  if (help) {
    print(HELP + flagsText(FLAGS, surroundings));
    return EXIT.ok;
  }
  for (const problem of problems) printError(problem);
  if (problems.length > 0) return EXIT.usage;
  const done = await exportKeys({
    socketPath: values.socket || TAILSCALED_SOCKET,
    outputPath: values.o || undefined,
    clock: systemClock,
    print,
  });
  printError(done);
  return EXIT.ok;
}
