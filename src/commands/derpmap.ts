/** `derper derpmap`: prints the map of this relay, or checks one. */
import { parseDerpmapLine } from "../config/derpmap_line.ts";
import { localAddresses } from "../net/local_addresses.ts";
import { answersCaptiveCheck } from "./captive_check.ts";
import { type CommandPlace, EXIT } from "./command.ts";
import { mapText, type RelayMachine } from "./derpmap_text.ts";
import { lookUpName } from "./name_lookup.ts";
import { relayCertificate } from "./relay_certificate.ts";

/** Reads its arguments, does it, and resolves with the exit code. */
export async function derpmap(
  args: readonly string[],
  { print, printError, surroundings }: CommandPlace,
): Promise<number> {
  const asked = parseDerpmapLine(args, surroundings);
  switch (asked.kind) {
    case "help":
      print(asked.text);
      return EXIT.ok;
    case "problems":
      for (const problem of asked.problems) printError(problem);
      return EXIT.usage;
    case "check": {
      const { checkFile } = await import("./derpmap_check.ts"); // and its parsers
      return await checkFile(asked, {
        print,
        printError,
        resolve: lookUpName,
      });
    }
  }
  const { text, notes } = await mapText(asked, THIS_MACHINE);
  for (const note of notes) printError(note);
  print(text);
  return EXIT.ok;
}

const THIS_MACHINE: RelayMachine = {
  addresses: localAddresses,
  resolve: lookUpName,
  answersCaptiveCheck,
  certificate: relayCertificate,
};
