/** Flags from the environment, for containers: `DERP_<NAME>`, and what widespread images call them. */
import type { FlagTable, FlagVariable } from "./go_flag.ts";
import type { Surroundings } from "./surroundings.ts";

/** Names that the images of derper use, besides those that follow from the flags. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["DERP_ADDR", "a"],
  ["DERP_CERT_DIR", "certdir"],
  ["DERP_CERT_MODE", "certmode"],
  ["DERP_CERTS", "certdir"],
  ["DERP_DOMAIN", "hostname"],
  ["DERP_HOST", "hostname"],
]);

const PREFIX = "DERP_";

/** Images are built with a DERP_VERSION of their own, which asks for nothing. */
const NOT_READ = "version";

/** Shorter names are too much like others' to be taken for misspelt. */
const MISSPELT_CHARACTERS = PREFIX.length + 6;

/** What Kubernetes sets for a Service, as DERP_STUN_PORT for one called derp-stun. */
const SERVICE_LINK = /^(?:tcp|udp|sctp):\/\//;

/** What the environment says. */
export interface Environment {
  /** By flag. */
  readonly variables: ReadonlyMap<string, FlagVariable>;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** Where flags come from besides the command line, which has set those in `given`. */
export interface EnvironmentSource {
  readonly env: Surroundings["env"];
  readonly given: ReadonlySet<string> | ReadonlyMap<string, unknown>;
}

/** The flag of each variable. */
export function flagsOfVariables(table: FlagTable): Map<string, string> {
  const flags = new Map(
    Object.keys(table).filter((flag) => flag !== NOT_READ).map((flag) => [
      PREFIX + flag.toUpperCase().replaceAll("-", "_"),
      flag,
    ]),
  );
  for (const [name, flag] of ALIASES) {
    if (Object.hasOwn(table, flag)) flags.set(name, flag);
  }
  return flags;
}

/** Finds the variables that set flags of `table`; an empty one sets nothing. */
export function readEnvironment(
  table: FlagTable,
  { env, given }: EnvironmentSource,
): Environment {
  const variables = new Map<string, FlagVariable>();
  const problems: string[] = [];
  const notes: string[] = [];
  const flags = flagsOfVariables(table);
  for (const [name, flag] of flags) {
    const value = env(name) ?? "";
    if (value === "" || given.has(flag)) continue;
    const other = variables.get(flag);
    if (table[flag]!.type === "int" && SERVICE_LINK.test(value)) {
      notes.push(
        `${name} ${
          JSON.stringify(value)
        } looks like that of a Kubernetes Service and is ignored`,
      );
    } else if (other !== undefined && other.value !== value) {
      problems.push(
        `${other.name} and ${name} both mean -${flag} and differ, remove one of them`,
      );
    } else {
      variables.set(flag, { name, value });
    }
  }
  if (variables.size > 0) {
    const names = [...variables.values()].map(({ name }) => name);
    notes.unshift(`Flags from the environment: ${names.join(", ")}`);
  }
  return {
    variables,
    problems: [...problems, ...misspelt(new Set(flags.keys()), env)],
    notes,
  };
}

/**
 * An unknown flag stops the relay, and so does a variable that can only be a
 * slip: without an S, DERP_VERIFY_CLIENTS=true would leave an open relay. Other
 * programs may have names with DERP_, so only small slips count; and they are
 * asked for one by one, as the relay may not list its environment.
 */
function misspelt(
  known: ReadonlySet<string>,
  env: Surroundings["env"],
): string[] {
  const found = new Map<string, string>();
  for (const name of known) {
    if (name.length < MISSPELT_CHARACTERS) continue;
    for (const slip of slips(name)) {
      if (!known.has(slip) && env(slip)) found.set(slip, name);
    }
  }
  return [...found].map(([slip, name]) =>
    `Unknown environment variable ${slip}: rename it if ${name} is meant, else remove it`
  );
}

/** `name` with an S at its end, and with one character left out or two exchanged behind the prefix. */
function* slips(name: string): Generator<string> {
  yield `${name}S`;
  for (let at = PREFIX.length; at < name.length; at++) {
    const [before, after] = [name.slice(0, at), name.slice(at + 1)];
    yield before + after;
    if (after !== "") yield before + after[0] + name[at] + after.slice(1);
  }
}
