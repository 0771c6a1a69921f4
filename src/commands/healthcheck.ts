/** `derper healthcheck`: one line and an exit code, for containers without curl. */
import type { FlagTable } from "../config/go_flag.ts";
import { flagsText } from "../config/usage.ts";
import { readCaCerts } from "../net/dial.ts";
import { Budget } from "../probe/budget.ts";
import { checkHealth, type HealthOptions } from "../probe/health.ts";
import { parsePin } from "../probe/target.ts";
import { systemClock as clock } from "../util/clock.ts";
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
  "timeout": {
    type: "duration",
    default: "4s",
    help: "how long all of it may take",
  },
} as const satisfies FlagTable;

const HELP = `Usage of derper healthcheck:
  derper healthcheck [the relay's own flags]
  derper healthcheck https://derp.example.com[:port] [flags]

Without a URL it asks the relay on this machine, the one that these flags or the
environment (DERP_...) describe: /derp/probe whatever its certificate is, STUN
where it is on, and /readyz where -metrics-addr is set. Prints one line. The
exit code is 0 where all of it answers, 1 where it doesn't, and 2 for flags that
can't be used.

Its own flags:
`;

type HealthLine = Extract<
  RelayLine<typeof OWN_FLAGS, typeof STUN_PORT>,
  { own: unknown }
>;

/** Reads its arguments, does it, and resolves with the exit code. */
export async function healthcheck(
  args: readonly string[],
  { print, printError, surroundings }: CommandPlace,
): Promise<number> {
  const line = parseRelayLine(args, surroundings, {
    own: OWN_FLAGS,
    url: STUN_PORT,
  });
  if (line.kind === "help") {
    const text = (table: FlagTable) => flagsText(table, surroundings);
    const withUrl = `\nWith a URL, in place of the relay's:\n`;
    print(HELP + text(OWN_FLAGS) + withUrl + text(STUN_PORT));
    return EXIT.ok;
  }
  const problems = line.kind === "problems" ? line.problems : mistakes(line);
  for (const problem of problems) printError(problem);
  if (line.kind === "problems" || problems.length > 0) return EXIT.usage;
  const { timeout: stepMs, "cert-name": certName } = line.own;
  const report = await checkHealth({
    ...where(line),
    pin: parsePin(certName),
    budget: new Budget(clock, { stepMs, totalMs: stepMs }),
    caCerts: await readCaCerts(surroundings.env("DENO_CERT")),
  });
  print(`${report.line}\n`);
  return report.isHealthy ? EXIT.ok : EXIT.no;
}

function mistakes(line: HealthLine): string[] {
  return [
    ...commonProblems(line.own),
    ...line.kind === "url"
      ? portProblems("-stun-port", line.url["stun-port"])
      : [],
  ];
}

function where(
  line: HealthLine,
): Pick<
  HealthOptions,
  "place" | "address" | "isLocal" | "stunPort" | "metrics"
> {
  if (line.kind === "url") {
    const { place, url } = line;
    const stunPort = portOrNone(url["stun-port"]);
    return { place, address: place.name, isLocal: false, stunPort };
  }
  const { config } = line;
  const { listen, stunPort, metricsAddress: metrics } = config;
  return {
    place: localPlace(config),
    address: nearAddress(listen.hostname),
    isLocal: true,
    stunPort,
    ...metrics && {
      metrics: { address: nearAddress(metrics.hostname), port: metrics.port },
    },
  };
}
