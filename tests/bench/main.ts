/**
 * Runs the benchmarks against a relay in a process of its own, and prints one
 * table. `deno task bench [-relay COMMAND] [-against COMMAND] [-rounds N] [name…]`
 */
import { messageOf } from "../../src/util/error_message.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import {
  parseArguments,
  positive,
  relayCommand,
  UsageError,
} from "./command_line.ts";
import { floodQuiet } from "./flood_quiet.ts";
import { growth } from "./growth.ts";
import { mesh } from "./mesh.ts";
import { reconnectStorm } from "./reconnect_storm.ts";
import { slowReceiver } from "./slow_receiver.ts";
import { start } from "./start.ts";
import { stunFlood } from "./stun_flood.ts";
import { formatNumber, formatTable, type Row, rowsOf } from "./table.ts";
import { TestBed } from "./test_bed.ts";

const BENCHMARKS: readonly Benchmark[] = [
  slowReceiver,
  floodQuiet,
  reconnectStorm,
  stunFlood,
  growth,
  mesh,
  start,
];
/** Of two relays one alone may have had a bad moment. */
const ROUNDS_TO_COMPARE = 3;

Deno.exit(await main());

async function main(): Promise<number> {
  try {
    return await bench(Deno.args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(`bench: ${error.message}`);
    return 2;
  }
}

async function bench(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, ["relay", "against", "rounds"]);
  const chosen = choose(parsed.rest);
  const against = parsed.values.get("against");
  const rounds = positive(parsed, "rounds", against ? ROUNDS_TO_COMPARE : 1);
  const command = relayCommand(parsed.values.get("relay"));
  await using bed = await TestBed.make(command, print);
  await using otherBed = await TestBed.make(relayCommand(against), print);
  const rows: Row[] = [];
  let failures = 0;
  for (const benchmark of chosen) {
    const [ours, theirs]: [Figure[][], Figure[][]] = [[], []];
    for (let round = 1; round <= rounds; round++) {
      const figures = await runOnce(benchmark, bed, `round ${round}`);
      if (figures === undefined) failures++;
      else ours.push(figures);
      if (!against) continue;
      const label = `round ${round}, against`;
      const others = await runOnce(benchmark, otherBed, label);
      if (others === undefined) failures++;
      else theirs.push(others);
    }
    rows.push(...rowsOf(benchmark.name, ours, theirs));
  }
  print(`\n${formatTable(rows)}`);
  if (failures > 0) print(`${failures} failed, see above`);
  return failures > 0 ? 1 : 0;
}

/** Runs one benchmark and prints its figures at once, as the whole takes minutes; undefined where it failed. */
async function runOnce(
  benchmark: Benchmark,
  bed: TestBed,
  label: string,
): Promise<Figure[] | undefined> {
  try {
    const figures = await benchmark.run(bed);
    const texts = figures.map(({ name, value, unit }) =>
      `${name} ${formatNumber(value)} ${unit}`.trimEnd()
    );
    print(`${benchmark.name} (${label}): ${texts.join("; ")}`);
    return figures;
  } catch (error) {
    print(`${benchmark.name} (${label}) FAILED: ${messageOf(error)}`);
    print(bed.latestLog());
    return undefined;
  }
}

/** @throws UsageError for a name that isn't a benchmark's */
function choose(names: readonly string[]): readonly Benchmark[] {
  const unknown = names.find((name) =>
    !BENCHMARKS.some((benchmark) => benchmark.name === name)
  );
  if (unknown !== undefined) {
    const known = BENCHMARKS.map((benchmark) => benchmark.name).join(", ");
    throw new UsageError(`Unknown benchmark "${unknown}"; there are ${known}`);
  }
  return names.length === 0
    ? BENCHMARKS
    : BENCHMARKS.filter((benchmark) => names.includes(benchmark.name));
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
