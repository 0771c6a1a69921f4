/** The table of subcommands, and what happens to a command line that begins with a word. */
import { type Command, type CommandPlace, EXIT } from "./command.ts";
import { keysExport } from "./keys.ts";
import { verify } from "./verify.ts";

const COMMANDS: readonly Command[] = [verify, keysExport];

const HELP = "help";

/** For the end of `derper -h`. */
export function commandsText(): string {
  const names = COMMANDS.map(({ name }) => name);
  const width = Math.max(...names.map((name) => name.length));
  const lines = COMMANDS.map(({ name, summary }) =>
    `  derper ${name.padEnd(width)}  ${summary}\n`
  );
  return `
A first word in place of a flag is a command; each has its own -h:
${lines.join("")}`;
}

/** `help`, alone or in front of a command, is `-h` behind it. */
export function withoutHelpWord(args: readonly string[]): readonly string[] {
  return args[0] === HELP ? [...args.slice(1), "-h"] : args;
}

/**
 * Runs the command that `args` begin with; undefined where they begin with a
 * flag, or with nothing, and so are the relay's own.
 *
 * @throws OperatorError
 */
export function runCommand(
  args: readonly string[],
  place: CommandPlace,
): Promise<number> | undefined {
  const [first] = args;
  if (!first || first.startsWith("-")) return undefined;
  for (const command of COMMANDS) {
    const words = command.name.split(" ");
    if (words.some((word, at) => args[at] !== word)) continue;
    return command.run(args.slice(words.length), place);
  }
  place.printError(unknown(args));
  return Promise.resolve(EXIT.usage);
}

/** Names what was typed, one word more where commands begin with the first. */
function unknown([first = "", second]: readonly string[]): string {
  const names = COMMANDS.map(({ name }) => name);
  const isGroup = names.some((name) => name.startsWith(`${first} `));
  const typed = isGroup && second !== undefined && !second.startsWith("-")
    ? `${first} ${second}`
    : first;
  return `Unknown command ${JSON.stringify(typed)}: there are ${
    names.join(", ")
  } and ${HELP}; a relay is started with flags alone`;
}
