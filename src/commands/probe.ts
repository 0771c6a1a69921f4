/** `derper probe`: its flags, and the table that it prints. */
import type { FlagTable } from "../config/go_flag.ts";
import { loadMeshKey } from "../config/mesh_psk.ts";
import type { Surroundings } from "../config/surroundings.ts";
import { flagsText } from "../config/usage.ts";
import { readCaCerts } from "../net/dial.ts";
import { localAddresses } from "../net/local_addresses.ts";
import { Budget } from "../probe/budget.ts";
import { probe as runProbe } from "../probe/probe.ts";
import type { Row } from "../probe/row.ts";
import {
  formatJson,
  formatRow,
  formatSummary,
  isGood,
} from "../probe/table.ts";
import { parsePin, type Target, urlOf } from "../probe/target.ts";
import { systemClock as clock } from "../util/clock.ts";
import { unmapIp } from "../util/ip.ts";
import { type CommandPlace, EXIT } from "./command.ts";
import { localPlace, nearAddress } from "./local_relay.ts";
import {
  CERT_NAME,
  commonProblems,
  portOrNone,
  portProblems,
  STUN_PORT,
} from "./relay_flags.ts";
import { parseRelayLine, type RelayLine } from "./relay_line.ts";

const OWN_FLAGS = {
  ...CERT_NAME,
  "json": {
    type: "bool",
    default: "false",
    help: "print one JSON object in place of the table",
  },
  "timeout": {
    type: "duration",
    default: "3s",
    help: "how long each step may wait; all together five times as long",
  },
} as const satisfies FlagTable;

const URL_FLAGS = {
  ...STUN_PORT,
  "http-port": {
    type: "int",
    default: "80",
    help: "TCP port of its plain HTTP; -1 for none",
  },
  "mesh-psk-file": {
    type: "string",
    default: "",
    help:
      "file with the mesh key, to try whether the relay accepts it; it is told only to a relay whose certificate can be trusted",
  },
} as const satisfies FlagTable;

/** Steps that may come one after another. */
const STEPS = 5;

type ProbeLine = RelayLine<typeof OWN_FLAGS, typeof URL_FLAGS>;

/** Reads its arguments, does it, and resolves with the exit code. */
export async function probe(
  args: readonly string[],
  { print, printError, surroundings }: CommandPlace,
): Promise<number> {
  const line = parseRelayLine(args, surroundings, {
    own: OWN_FLAGS,
    url: URL_FLAGS,
  });
  if (line.kind === "help") {
    print(helpText(surroundings));
    return EXIT.ok;
  }
  const problems = line.kind === "problems" ? line.problems : mistakes(line);
  for (const problem of problems) printError(problem);
  if (line.kind === "problems" || problems.length > 0) return EXIT.usage;
  const { own } = line;
  const stepMs = own.timeout;
  const context = {
    target: await makeTarget(line),
    budget: new Budget(clock, { stepMs, totalMs: STEPS * stepMs }),
    caCerts: await readCaCerts(surroundings.env("DENO_CERT")),
    ownAddresses: new Set(localAddresses().map(unmapIp)),
  };
  const show = own.json ? () => {} : print;
  const rows: Row[] = [];
  const startMs = clock.nowMs();
  show(`${urlOf(context.target)}\n\n`);
  for await (const row of runProbe(context)) {
    rows.push(row);
    show(formatRow(row));
  }
  show(`\n${formatSummary(rows)}`);
  if (own.json) {
    const tookMs = clock.nowMs() - startMs;
    print(formatJson(urlOf(context.target), rows, { tookMs }));
  }
  return isGood(rows) ? EXIT.ok : EXIT.no;
}

/** A relay's own flags have been checked with all others. */
function mistakes(line: Extract<ProbeLine, { own: unknown }>): string[] {
  const url = line.kind === "url" ? line.url : undefined;
  return [
    ...commonProblems(line.own),
    ...url ? portProblems("-stun-port", url["stun-port"]) : [],
    ...url ? portProblems("-http-port", url["http-port"]) : [],
  ];
}

/** @throws OperatorError for a mesh key that can't be read */
async function makeTarget(
  line: Extract<ProbeLine, { own: unknown }>,
): Promise<Target> {
  const pin = parsePin(line.own["cert-name"]);
  if (line.kind === "url") return { ...await urlTarget(line), pin };
  const { config } = line;
  const { httpPort, stunPort, meshPskFile, verification, derp } = config;
  return {
    ...localPlace(config),
    httpPort,
    stunPort,
    pin,
    meshKey: config.meshKey ?? await readMeshKey(meshPskFile ?? ""),
    local: {
      address: nearAddress(config.listen.hostname),
      verifies: verification !== undefined,
      relays: derp,
    },
  };
}

async function urlTarget(
  { place, url }: Extract<ProbeLine, { kind: "url" }>,
): Promise<Target> {
  return {
    ...place,
    httpPort: portOrNone(url["http-port"]),
    stunPort: portOrNone(url["stun-port"]),
    meshKey: await readMeshKey(url["mesh-psk-file"]),
  };
}

async function readMeshKey(path: string) {
  return path === "" ? undefined : (await loadMeshKey(path)).key;
}

function helpText(from: Surroundings): string {
  return `Usage of derper probe:
  derper probe [the relay's own flags]
  derper probe https://derp.example.com[:port] [flags]

Without a URL it tries the relay on this machine, the one that these flags or
the environment (DERP_...) describe; with a URL any relay, from wherever this is
run. It looks the name up, connects, looks at the certificate, asks all that
clients ask for, and lets throw-away clients exchange packets. The exit code is
0 where nothing fails, 1 where something does, and 2 for flags that can't be
used.

Its own flags:
${flagsText(OWN_FLAGS, from)}
With a URL, in place of the relay's:
${flagsText(URL_FLAGS, from)}`;
}
