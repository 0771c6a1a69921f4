/** The command line of `derper verify`: a node key, and the relay's own flags. */
import { NodePublic } from "../keys/node_key.ts";
import type { Verification } from "./config.ts";
import { Findings } from "./findings.ts";
import { FLAGS } from "./flags.ts";
import { lenientFlags } from "./lenient_flags.ts";
import { readFlags } from "./read_flags.ts";
import type { Surroundings } from "./surroundings.ts";
import { flagsText } from "./usage.ts";
import { VERIFICATION_FLAGS } from "./verification_flags.ts";
import { verification } from "./verification_rules.ts";

/** What a command line of `derper verify` asks for. */
export type VerifyLine =
  | {
    readonly kind: "run";
    readonly key: NodePublic;
    readonly verification: Verification;
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

const KEY_PREFIX = "nodekey:";

/** All flags of the relay, so that its command line can be given as it is; those that verify nobody may hold whatever they like. */
const LENIENT = lenientFlags(FLAGS, VERIFICATION_FLAGS);

/** Reads the arguments behind `verify`, and the environment as the relay does. */
export function parseVerifyLine(
  args: readonly string[],
  from: Surroundings,
): VerifyLine {
  const at = keyIndex(args);
  const text = at < 0 ? "" : args[at]!;
  const flagArgs = args.filter((_, index) => index !== at);
  const flags = readFlags(flagArgs, LENIENT, {
    from,
    fromEnvironment: VERIFICATION_FLAGS,
  });
  if (flags.help) return { kind: "help", text: helpText(from) };
  const findings = new Findings(flags);
  const key = NodePublic.parse(text);
  const found = verification(findings).verification;
  const all = [...flags.problems, ...findings.problems];
  if (key === undefined) {
    all.unshift(
      `Invalid node key ${
        JSON.stringify(text)
      }: give nodekey: and 64 hexadecimal digits, as in derper verify nodekey:... -verify-clients`,
    );
  }
  if (found === undefined && all.length === 0) {
    all.push(
      "Nobody is verified: give the flags of the relay too, such as -verify-clients, or its environment",
    );
  }
  return key === undefined || found === undefined || all.length > 0
    ? { kind: "problems", problems: all }
    : { kind: "run", key, verification: found };
}

/** Where the key is: first, else wherever there is one. */
function keyIndex(args: readonly string[]): number {
  const first = args[0];
  if (first !== undefined && !first.startsWith("-")) return 0;
  return args.findIndex((arg) => arg.startsWith(KEY_PREFIX));
}

function helpText(from: Surroundings): string {
  return `Usage of derper verify:
  derper verify nodekey:... [the relay's own flags]

Asks every source of verification, and no cache, about one node. Prints what
each answers, and what the relay makes of it. The exit code is 0 where the node
is admitted, 1 where it isn't, and 2 for flags that can't be used.

These flags of the relay count, also from its environment; the others are
ignored:
${flagsText(VERIFICATION_FLAGS, from)}`;
}
