/** `derper verify`: what every source of verification says of a node, and what the relay makes of it. */
import type { Verdict } from "../admission/admission.ts";
import { type Source, SourceError } from "../admission/source.ts";
import { type SourceReport, Verifier } from "../admission/verifier.ts";
import type { Verification, VerificationPolicy } from "../config/config.ts";
import { parseVerifyLine } from "../config/verify_line.ts";
import { asksServers } from "../loaded.ts";
import { LogLimiter } from "../log/limited.ts";
import { readCaCerts } from "../net/dial.ts";
import { systemClock as clock } from "../util/clock.ts";
import { OperatorError } from "../util/operator_error.ts";
import { makeSources } from "../verification.ts";
import { type CommandPlace, EXIT } from "./command.ts";
import { printedLine } from "./printed_line.ts";

/** Admission controllers are told where a client comes from; this one is at home. */
const IP = "127.0.0.1";

const RULES: Readonly<Record<VerificationPolicy, string>> = {
  "each-kind": "one source of each kind",
  any: "one source",
  all: "every source",
};

/** Reads its arguments, does it, and resolves with the exit code. */
export async function verify(
  args: readonly string[],
  { print, printError, surroundings }: CommandPlace,
): Promise<number> {
  const asked = parseVerifyLine(args, surroundings);
  switch (asked.kind) {
    case "help":
      print(asked.text);
      return EXIT.ok;
    case "problems":
      for (const problem of asked.problems) printError(problem);
      return EXIT.usage;
  }
  const { key, verification } = asked;
  const caCerts = asksServers(verification)
    ? await readCaCerts(surroundings.env("DENO_CERT"))
    : [];
  const verifier = new Verifier({
    ...verification,
    sources: await sources(verification, caCerts),
    cacheTtlMs: 0,
    staleTtlMs: 0,
    clock,
    limiter: new LogLimiter(clock),
  });
  const { verdict, sources: reports } = await verifier.explain({
    key,
    ip: IP,
  });
  for (const report of reports) print(printedLine(describe(report)));
  const rule = ruleOf(verification, reports.length);
  print(printedLine(`${key}: ${conclude(verdict, rule)}`));
  await verifier.close();
  return verdict.allow ? EXIT.ok : EXIT.no;
}

/** All sources; a keys file that can't be read doesn't keep the others from answering. */
async function sources(
  verification: Verification,
  caCerts: string[],
): Promise<Source[]> {
  const parts = { clock, caCerts };
  try {
    return await makeSources(verification, parts);
  } catch (error) {
    const { keysFile, ...others } = verification;
    if (!(error instanceof OperatorError) || !keysFile) throw error;
    const found = await makeSources(others, parts);
    return [...found, unreadable(keysFile, error)];
  }
}

function unreadable(keysFile: string, cause: OperatorError): Source {
  return {
    kind: "keys-file",
    name: `keys file ${JSON.stringify(keysFile)}`,
    ask: () =>
      Promise.reject(
        new SourceError(cause.message, {
          advice: "a relay that runs already goes on with its last good list",
          isUnreachable: false,
          cause,
        }),
      ),
  };
}

function describe({ name, verdict, tookMs }: SourceReport): string {
  const time = `${Math.round(tookMs)} ms`;
  if (verdict.allow) return `${name}: admitted${nodeName(verdict)} (${time})`;
  const { isClear, reason, advice } = verdict;
  const what = isClear ? "refused" : "can't tell";
  return `${name}: ${what} (${time}): ${reason}; ${advice}`;
}

/** What comes of it all; the reasons stand above. */
function conclude(verdict: Verdict, rule: string): string {
  if (verdict.allow) return `admitted by ${verdict.by}`;
  return `${verdict.isClear ? "refused" : "refused, nobody can tell"}${rule}`;
}

/** Who would have had to admit it, where that isn't plain. */
function ruleOf({ policy }: Verification, sourceCount: number): string {
  return sourceCount > 1 ? `; ${RULES[policy]} has to admit it` : "";
}

function nodeName({ node }: Extract<Verdict, { allow: true }>): string {
  return node === undefined ? "" : ` as ${JSON.stringify(node)}`;
}
