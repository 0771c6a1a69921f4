/**
 * Loads a relay for long while clients come and go: its memory must stay and
 * its log silent. `deno task soak [-minutes 20] [-rate 18000] [-relay COMMAND]`
 */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import { messageOf } from "../../src/util/error_message.ts";
import { FakeTailscaled } from "../support/fake_tailscaled.ts";
import type { Churn } from "./churn.ts";
import {
  parseArguments,
  positive,
  relayCommand,
  UsageError,
} from "./command_line.ts";
import { CrowdThread } from "./crowd_thread.ts";
import { judgeMemory, type MemorySample } from "./memory_rule.ts";
import type { RelayProcess } from "./relay_process.ts";
import { TestBed } from "./test_bed.ts";
import { Thread } from "./thread.ts";

/** 60 % of 30,000 packets/s, the highest rate at which none may be lost. */
const PACKETS_PER_SECOND = 18_000;
const PACKET_BYTES = 1_400;
const PAIRS = 20;
const COMING_AND_GOING = 200;
const SAMPLE_MS = 5_000;
/** Between those who stay. */
const MAX_LOST_SHARE = 0.001;
const MAX_SHOWN_LINES = 20;

Deno.exit(await main());

async function main(): Promise<number> {
  try {
    const parsed = parseArguments(Deno.args, ["minutes", "rate", "relay"]);
    const minutes = Math.ceil(positive(parsed, "minutes", 20));
    const packetsPerSecond = positive(parsed, "rate", PACKETS_PER_SECOND);
    const command = relayCommand(parsed.values.get("relay"));
    await using bed = await TestBed.make(command, print);
    const problems = await soak(bed, { minutes, packetsPerSecond });
    for (const problem of problems) print(`FAILED: ${problem}`);
    if (problems.length === 0) print("passed");
    return problems.length > 0 ? 1 : 0;
  } catch (error) {
    print(`soak: ${messageOf(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

interface SoakPlan {
  readonly minutes: number;
  readonly packetsPerSecond: number;
}

/** Resolves to what was wrong. */
async function soak(bed: TestBed, plan: SoakPlan): Promise<string[]> {
  const socket = `${bed.dir}/tailscaled.sock`;
  const self = NodePrivate.generate().publicKey;
  await using tailscaled = new FakeTailscaled(socket, self);
  tailscaled.knowsEverybody = true;
  const flags = ["-verify-clients", "-socket", socket];
  await using relay = await bed.startRelay({ flags });
  using crowd = new CrowdThread();
  using churn = new Thread<Churn>(
    new URL("./churn_worker.ts", import.meta.url),
  );
  await crowd.call("joinPairs", PAIRS, { from: relay.address });
  await churn.call("begin", relay.address, COMING_AND_GOING);
  const { packetsPerSecond } = plan;
  await crowd.call("begin", { packetsPerSecond, packetBytes: PACKET_BYTES });
  const samples: MemorySample[] = [];
  for (let minute = 1; minute <= plan.minutes; minute++) {
    await crowd.call("mark");
    await sampleMinute(relay, samples);
    const traffic = await crowd.call("soFar");
    const { came } = await churn.call("soFar");
    print(
      `minute ${minute}: ${megabytes(samples.at(-1)!.kb)}, ` +
        `${Math.round(traffic.received / traffic.seconds)} packets/s, ` +
        `p99 ${traffic.p99Ms.toFixed(1)} ms, ${came} clients came`,
    );
  }
  const { lostShare } = await crowd.call("end");
  const lost = `${(lostShare * 100).toFixed(3)} % of the packets lost`;
  print(lost);
  const problems = lostShare > MAX_LOST_SHARE ? [lost] : [];
  const { failures } = await churn.call("end");
  for (const failure of failures) problems.push(`a client: ${failure}`);
  return [...problems, ...judge(samples, plan.minutes), ...complaints(relay)];
}

async function sampleMinute(
  relay: RelayProcess,
  samples: MemorySample[],
): Promise<void> {
  for (let ms = 0; ms < 60_000; ms += SAMPLE_MS) {
    await delay(systemClock, SAMPLE_MS);
    const seconds = samples.length * SAMPLE_MS / 1000;
    samples.push({ seconds, kb: relay.residentKb() });
  }
}

function judge(samples: readonly MemorySample[], minutes: number): string[] {
  const verdict = judgeMemory(samples, minutes);
  const { earlyKb, lateKb, growth, allowedGrowth, isKept } = verdict;
  const text = `memory ${megabytes(earlyKb)} early, ${megabytes(lateKb)} at ` +
    `the end: ${(growth * 100).toFixed(1)} %, allowed are ` +
    `${(allowedGrowth * 100).toFixed(0)} %`;
  print(text);
  return isKept ? [] : [text];
}

/** The relay's warnings and errors; there is no reason for any. */
function complaints(relay: RelayProcess): string[] {
  const lines = relay.log.split("\n");
  if (relay.log.trim() === "") {
    return ["the relay's log says nothing, not even that it is ready"];
  }
  return lines.filter((line) => /\[(warning|error|fatal)\]|^error/.test(line))
    .slice(0, MAX_SHOWN_LINES).map((line) => `in the log: ${line}`);
}

function megabytes(kb: number): string {
  return `${(kb / 1024).toFixed(1)} MB`;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
