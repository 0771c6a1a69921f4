/** Command lines as one string, in a world made up for them. */
import {
  type CommandLine,
  parseCommandLine,
} from "../../../src/config/command_line.ts";
import type { Config } from "../../../src/config/config.ts";
import type { Surroundings } from "../../../src/config/surroundings.ts";
import { assert } from "../../support/assert.ts";

/** Where a command line is read; by default by a common user. */
export interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number | null;
  readonly files?: readonly string[];
}

export function surroundings(world: World = {}): Surroundings {
  const { env = { HOME: "/home/u" }, uid = 1000, files = [] } = world;
  return {
    env: (name) => env[name],
    uid,
    exists: (path) => files.includes(path),
  };
}

/** What the words of `line` mean; no word has a space. */
export function parse(line: string, world: World = {}): CommandLine {
  return parseCommandLine(line.split(" "), surroundings(world));
}

/** The same for one that has to be right. */
export function run(
  line: string,
  world?: World,
): Extract<CommandLine, { kind: "run" }> {
  const result = parse(line, world);
  assert(result.kind === "run", JSON.stringify(result));
  return result;
}

/** The configuration that a right one makes. */
export function configOf(line: string, world?: World): Config {
  return run(line, world).config;
}

/** The problems of one that has to be wrong. */
export function problemsOf(line: string, world?: World): readonly string[] {
  const result = parse(line, world);
  assert(result.kind === "problems", JSON.stringify(result));
  return result.problems;
}

/** A command line that is right, and does not use TLS. */
export const PLAIN = "-a :8080 -c k";
/** One that is right and uses it. */
export const TLS = "-a :8443 -certmode manual -c k";
