/** Command lines that mean a relay: that of a URL, or the one that the relay's own flags describe. */
import type { Config } from "../config/config.ts";
import { FLAGS } from "../config/flags.ts";
import {
  flagDefaults,
  type FlagTable,
  type FlagValues,
  type ParsedFlags,
  parseGoFlags,
} from "../config/go_flag.ts";
import { readFlags } from "../config/read_flags.ts";
import { makeConfig } from "../config/rules.ts";
import type { Surroundings } from "../config/surroundings.ts";
import { parsePlace, type Place } from "../probe/target.ts";
import { takeOperands } from "./operands.ts";

/** Flags of a command. */
export interface RelayLineTables<O extends FlagTable, U extends FlagTable> {
  /** Those that it has in both cases. */
  readonly own: O;
  /** Those that it has with a URL alone; without one the relay's flags say so. */
  readonly url: U;
}

/** What such a command line asks for. */
export type RelayLine<O extends FlagTable, U extends FlagTable> =
  | { readonly kind: "help" }
  | { readonly kind: "problems"; readonly problems: readonly string[] }
  | {
    readonly kind: "url";
    readonly place: Place;
    readonly own: FlagValues<O>;
    readonly url: FlagValues<U>;
  }
  | {
    readonly kind: "local";
    readonly config: Config;
    readonly own: FlagValues<O>;
  };

/** Reads the arguments behind the command's name and, where there is no URL, the environment as the relay does. */
export function parseRelayLine<O extends FlagTable, U extends FlagTable>(
  args: readonly string[],
  from: Surroundings,
  { own, url }: RelayLineTables<O, U>,
): RelayLine<O, U> {
  const all: FlagTable = { ...FLAGS, ...own, ...url };
  const { operands, flagArgs } = takeOperands(args, all);
  const defaults = flagDefaults(all, from);
  if (parseGoFlags(flagArgs, all, { defaults }).help) return { kind: "help" };
  if (operands.length > 1) {
    const problems = [
      `Unexpected argument ${JSON.stringify(operands[1])}: give one URL`,
    ];
    return { kind: "problems", problems };
  }
  const [text] = operands;
  return text === undefined
    ? parseLocal(flagArgs, from, own)
    : parseUrl(text, flagArgs, { from, own, url });
}

function parseUrl<O extends FlagTable, U extends FlagTable>(
  text: string,
  args: readonly string[],
  { from, own, url }: RelayLineTables<O, U> & { from: Surroundings },
): RelayLine<O, U> {
  const table: FlagTable = { ...own, ...url };
  const defaults = flagDefaults(table, from);
  const { values, problems } = parseGoFlags(args, table, { defaults });
  const place = parsePlace(text);
  if (typeof place === "string" || problems.length > 0) {
    const mistake = typeof place === "string" ? [place] : [];
    return { kind: "problems", problems: [...mistake, ...problems] };
  }
  return {
    kind: "url",
    place,
    own: values as FlagValues<O>,
    url: values as FlagValues<U>,
  };
}

function parseLocal<O extends FlagTable, U extends FlagTable>(
  args: readonly string[],
  from: Surroundings,
  own: O,
): RelayLine<O, U> {
  const table: FlagTable = { ...FLAGS, ...own };
  const flags = readFlags(args, table, { from, fromEnvironment: FLAGS });
  // Where the relay has its key is none of our business, so root's default will do.
  const { config, problems } = makeConfig(
    flags as unknown as ParsedFlags<typeof FLAGS>, // all of whose flags are in the table
    { ...from, uid: 0 },
  );
  const isNamed = config.certificate === undefined ||
    flags.given.has("hostname");
  const all = [
    ...isNamed ? [] : [
      "Which relay? Give its URL, or for the one on this machine its own flags or environment, -hostname at least",
    ],
    ...flags.problems,
    ...problems,
    ...missingPorts(config),
  ];
  if (all.length > 0) return { kind: "problems", problems: all };
  return { kind: "local", config, own: flags.values as FlagValues<O> };
}

/** What has no port has to be found otherwise: nobody knows which one the system chose for port 0. */
function missingPorts({ listen, stunPort, httpPort }: Config): string[] {
  if (listen.path !== undefined) {
    return [
      "Invalid -a: clients don't come by a unix socket, give the URL of the proxy in front of it",
    ];
  }
  const ports = [["-a", listen.port], ["-stun-port", stunPort], [
    "-http-port",
    httpPort,
  ]] as const;
  return ports.filter(([, port]) => port === 0).map(([flag]) =>
    `Invalid ${flag}: port 0 can be any, give the one that the relay has`
  );
}
