/** `derper derpmap -check`: names the mistakes in a file with a DERP map. */
import type { DerpmapLine } from "../config/derpmap_line.ts";
import { checkAddresses, type Resolve } from "../derpmap/check_addresses.ts";
import { checkMap } from "../derpmap/check_map.ts";
import { checkRelay } from "../derpmap/check_relay.ts";
import { readMapFile } from "../derpmap/map_file.ts";
import { readSmallFile } from "../files/small_file.ts";
import { counted } from "../util/counted.ts";
import { messageOf } from "../util/error_message.ts";
import { OperatorError } from "../util/operator_error.ts";
import { EXIT } from "./command.ts";
import { printedLine } from "./printed_line.ts";

/** Policy files have some 10 KiB, Tailscale's own map 30. */
const MAX_BYTES = 1024 * 1024;

/** Where the command says what it found, and how it looks names up. */
export interface CheckPlace {
  readonly print: (text: string) => void;
  readonly printError: (line: string) => void;
  readonly resolve: Resolve;
}

/** Prints each mistake on a line of its own; resolves with the exit code. */
export async function checkFile(
  { path, relay }: Extract<DerpmapLine, { kind: "check" }>,
  { print, printError, resolve }: CheckPlace,
): Promise<number> {
  let text: string;
  try {
    text = await readFile(path);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    printError(messageOf(error));
    return EXIT.usage;
  }
  const { file, mistakes: found } = readMapFile(text, path);
  const mistakes = [...found];
  let summary = "";
  if (file !== undefined) {
    const { regionCount, nodes } = checkMap(file, mistakes);
    if (relay) checkRelay(nodes, { stunPort: undefined, ...relay }, mistakes);
    await checkAddresses(nodes, resolve);
    summary = `${counted(regionCount, "region")}, ${
      counted(nodes.length, "node")
    }, `;
  }
  for (const mistake of mistakes) print(printedLine(mistake));
  const count = mistakes.length === 0
    ? "no mistakes"
    : counted(mistakes.length, "mistake");
  printError(`${JSON.stringify(path)}: ${summary}${count}`);
  return mistakes.length === 0 ? EXIT.ok : EXIT.no;
}

/** @throws OperatorError */
async function readFile(path: string): Promise<string> {
  const file = {
    path,
    what: "map",
    remedy: "name another file, or give this user the right to read it",
  };
  const read = await readSmallFile(file, MAX_BYTES);
  if (read !== undefined) return read.text;
  throw new OperatorError(
    `Cannot read map ${JSON.stringify(path)}: it does not exist`,
  );
}
