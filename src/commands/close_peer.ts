/** `derper close-peer`: its flags, and what it says. */
import {
  flagDefaults,
  type FlagTable,
  parseGoFlags,
} from "../config/go_flag.ts";
import { loadMeshKey } from "../config/mesh_psk.ts";
import { flagsText } from "../config/usage.ts";
import { NodePublic } from "../keys/node_key.ts";
import { readCaCerts } from "../net/dial.ts";
import { Budget } from "../probe/budget.ts";
import { closePeer as runClosePeer } from "../probe/close_peer.ts";
import { explain } from "../probe/failure.ts";
import { secureDial } from "../probe/secure_dial.ts";
import {
  hostHeader,
  parsePin,
  parsePlace,
  type Place,
  urlOf,
} from "../probe/target.ts";
import { systemClock as clock } from "../util/clock.ts";
import { counted } from "../util/counted.ts";
import { isLoopback } from "../util/ip.ts";
import { OperatorError } from "../util/operator_error.ts";
import { type CommandPlace, EXIT } from "./command.ts";
import { takeOperands } from "./operands.ts";
import { CERT_NAME, commonProblems } from "./relay_flags.ts";

const FLAGS = {
  ...CERT_NAME,
  "mesh-psk-file": {
    type: "string",
    default: "",
    help: "file with the mesh key of the relay; it has to be given",
  },
  "timeout": {
    type: "duration",
    default: "10s",
    help: "how long all of it may take",
  },
} as const satisfies FlagTable;

const HELP = `Usage of derper close-peer:
  derper close-peer nodekey:... https://derp.example.com[:port] -mesh-psk-file FILE

Has that relay close the connections of the node, which then connects anew: for
moving it to another relay of the region. The exit code is 0 where it was
connected and has been closed, 1 where it wasn't connected or something failed,
and 2 for arguments that can't be used.

`;

/** Reads its arguments, does it, and resolves with the exit code. */
export async function closePeer(
  args: readonly string[],
  { print, printError, surroundings }: CommandPlace,
): Promise<number> {
  const defaults = flagDefaults(FLAGS, surroundings);
  const { operands, flagArgs } = takeOperands(args, FLAGS);
  const flags = parseGoFlags(flagArgs, FLAGS, { defaults });
  if (flags.help) {
    print(HELP + flagsText(FLAGS, surroundings));
    return EXIT.ok;
  }
  const { values } = flags;
  const { key, place, problems } = readOperands(operands);
  problems.push(
    ...flags.problems,
    ...values["mesh-psk-file"] === ""
      ? ["Give the file with the relay's mesh key: -mesh-psk-file FILE"]
      : [],
    ...commonProblems(values),
  );
  for (const problem of problems) printError(problem);
  if (problems.length > 0 || key === undefined || place === undefined) {
    return EXIT.usage;
  }
  const { key: meshKey } = await loadMeshKey(values["mesh-psk-file"]);
  const caCerts = await readCaCerts(surroundings.env("DENO_CERT"));
  const stepMs = values.timeout;
  const budget = new Budget(clock, { stepMs, totalMs: stepMs });
  const pin = parsePin(values["cert-name"]);
  const { wasConnected, seen } = await attempt(place, async () => {
    const address = place.name;
    const dial = await secureDial({ place, address, budget, caCerts, pin });
    const host = hostHeader(place);
    return await budget.within((signal) =>
      runClosePeer({ dial, host, meshKey, key, clock, signal })
    );
  });
  print(
    wasConnected
      ? `${key} was connected to ${urlOf(place)} and has been closed\n`
      : `${key} is not connected to ${urlOf(place)}, which has ${
        counted(seen, "client")
      }; the other relays of its mesh have clients of their own\n`,
  );
  return wasConnected ? EXIT.ok : EXIT.no;
}

/** A key and a URL, in either order. */
function readOperands(operands: readonly string[]): {
  key: NodePublic | undefined;
  place: Place | undefined;
  problems: string[];
} {
  const problems: string[] = [];
  const keys = operands.filter((text) => !text.includes("://"));
  const urls = operands.filter((text) => text.includes("://"));
  const key = NodePublic.parse(keys[0] ?? "");
  if (key === undefined || keys.length > 1) {
    const shown = JSON.stringify(keys.at(-1) ?? "");
    problems.push(
      `Invalid node key ${shown}: give one nodekey: and 64 hexadecimal digits`,
    );
  }
  if (urls.length !== 1) {
    problems.push("Give the URL of one relay, as https://derp.example.com");
    return { key, place: undefined, problems };
  }
  const place = parsePlace(urls[0]!);
  if (typeof place === "string") problems.push(place);
  else if (!mayLearnSecrets(place)) {
    problems.push(
      `Invalid URL ${
        JSON.stringify(urls[0])
      }: the mesh key needs https, except on this machine`,
    );
  } else return { key, place, problems };
  return { key, place: undefined, problems };
}

/** Without TLS anybody in between can pass for the relay. */
function mayLearnSecrets({ isTls, name }: Place): boolean {
  return isTls || name === "localhost" || isLoopback(name);
}

/** @throws OperatorError for whatever fails */
async function attempt<T>(place: Place, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
    const { seen, advice } = explain(cause, `TCP port ${place.port}`);
    throw new OperatorError(`Cannot use ${urlOf(place)}: ${seen}; ${advice}`, {
      cause,
    });
  }
}
