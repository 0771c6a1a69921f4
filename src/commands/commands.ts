/** The table of subcommands, and what happens to a command line that begins with a word. */
import { type CommandPlace, EXIT, type RunCommand } from "./command.ts";

interface Command {
  /** As one types it behind `derper`, for example `keys export`. */
  readonly name: string;
  /** One line for `derper -h`. */
  readonly summary: string;
  /** A relay needs none of them, so each is loaded when it is asked for. */
  load(): Promise<RunCommand>;
}

const COMMANDS: readonly Command[] = [
  {
    name: "verify",
    summary: "ask all sources of verification about one node key",
    load: async () => (await import("./verify.ts")).verify,
  },
  {
    name: "keys export",
    summary: "write the node keys of a tailnet, for -verify-keys-file",
    load: async () => (await import("./keys.ts")).keysExport,
  },
  {
    name: "derpmap",
    summary: "print what to tell nodes of this relay, or check such a file",
    load: async () => (await import("./derpmap.ts")).derpmap,
  },
  {
    name: "probe",
    summary: "try a relay out, the one on this machine or that of a URL",
    load: async () => (await import("./probe.ts")).probe,
  },
  {
    name: "healthcheck",
    summary: "ask a relay whether it is well, for containers",
    load: async () => (await import("./healthcheck.ts")).healthcheck,
  },
  {
    name: "close-peer",
    summary: "close a node's connections to a relay, with its mesh key",
    load: async () => (await import("./close_peer.ts")).closePeer,
  },
];

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
    return runLoaded(command, args.slice(words.length), place);
  }
  place.printError(unknown(args));
  return Promise.resolve(EXIT.usage);
}

async function runLoaded(
  command: Command,
  args: readonly string[],
  place: CommandPlace,
): Promise<number> {
  const run = await command.load();
  return await run(args, place);
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
