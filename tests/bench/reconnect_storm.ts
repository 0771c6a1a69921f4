/** After a restart all clients come back at once, and those who are in already must not suffer. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import { FakeTailscaled } from "../support/fake_tailscaled.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import type { StormPlan, StormResult } from "./crowd.ts";
import { CrowdThread } from "./crowd_thread.ts";
import type { RelayProcess } from "./relay_process.ts";
import type { TestBed } from "./test_bed.ts";
import type { TrafficResult } from "./traffic.ts";

const STORM: StormPlan = { clients: 5_000, overMs: 3_000 };
/** With the keys of others, so that questions about one key can meet. */
const DUPLICATE_EVERY = 10;
const ESTABLISHED_PAIRS = 20;
const ESTABLISHED = { packetsPerSecond: 1_000, packetBytes: 1_400 };
const BEFORE_STORM_MS = 500;
/** About what a real tailscaled takes. */
const ANSWER_AFTER_MS = 2;

/** 5,000 clients within three seconds; once without, once with `-verify-clients`. */
export const reconnectStorm: Benchmark = {
  name: "reconnect_storm",
  async run(bed: TestBed): Promise<Figure[]> {
    return [...await openRelay(bed), ...await verifyingRelay(bed)];
  },
};

async function openRelay(bed: TestBed): Promise<Figure[]> {
  await using relay = await bed.startRelay();
  return stormFigures(bed, "", await weather(relay, STORM));
}

async function verifyingRelay(bed: TestBed): Promise<Figure[]> {
  const socket = `${bed.dir}/tailscaled.sock`;
  const self = NodePrivate.generate().publicKey;
  await using tailscaled = new FakeTailscaled(socket, self);
  tailscaled.knowsEverybody = true;
  tailscaled.answerAfterMs = ANSWER_AFTER_MS;
  const flags = ["-verify-clients", "-socket", socket];
  await using relay = await bed.startRelay({ flags });
  const storm = { ...STORM, duplicateEvery: DUPLICATE_EVERY };
  const figures = stormFigures(bed, "verified: ", await weather(relay, storm));
  if (tailscaled.questions.length < STORM.clients / 2) {
    throw new Error(
      `The tailscaled was asked only ${tailscaled.questions.length} times`,
    );
  }
  return [
    ...figures,
    {
      name: "verified: questions at once",
      value: tailscaled.mostAtOnce,
      unit: "",
      atMost: 64,
    },
    {
      name: "verified: questions at once about one key",
      value: tailscaled.mostAtOncePerTarget,
      unit: "",
      atMost: 1,
    },
  ];
}

interface Weather {
  readonly storm: StormResult;
  readonly established: TrafficResult;
  readonly cpuSeconds: number;
}

/** The storm, over pairs that were there before it. */
async function weather(relay: RelayProcess, plan: StormPlan): Promise<Weather> {
  using established = new CrowdThread();
  using storming = new CrowdThread();
  const from = relay.address;
  await established.call("joinPairs", ESTABLISHED_PAIRS, { from });
  await established.call("begin", ESTABLISHED);
  await delay(systemClock, BEFORE_STORM_MS);
  await established.call("mark");
  const before = relay.cpuSeconds();
  const storm = await storming.call("storm", from, plan);
  const cpuSeconds = relay.cpuSeconds() - before;
  const result = await established.call("end");
  await storming.call("checkAllAreThere");
  return { storm, established: result, cpuSeconds };
}

function stormFigures(
  bed: TestBed,
  prefix: string,
  { storm, established, cpuSeconds }: Weather,
): Figure[] {
  if (storm.admitted === 0) {
    throw new Error(`Nobody was admitted: ${storm.refusals[0]}`);
  }
  for (const reason of storm.refusals) bed.note(`not admitted: ${reason}`);
  const refused = STORM.clients - storm.admitted;
  const figures = [
    { name: "not admitted", value: refused, unit: "clients", atMost: 0 },
    { name: "until all are admitted", value: storm.seconds, unit: "s" },
    { name: "wait for admission, p99", value: storm.p99Ms, unit: "ms" },
    {
      name: "established pairs' p99",
      value: established.p99Ms,
      unit: "ms",
      atMost: 50,
    },
    {
      name: "of it the machine's own delay",
      value: established.ownP99Ms,
      unit: "ms",
    },
    {
      name: "CPU per client",
      value: cpuSeconds * 1e3 / storm.admitted,
      unit: "ms",
    },
  ];
  return figures.map((figure) => ({ ...figure, name: prefix + figure.name }));
}
