/** Clients that are connected and say nothing must cost memory alone. */
import { delay, systemClock } from "../../src/util/clock.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { CrowdThread } from "./crowd_thread.ts";
import { requireOpenFiles } from "./process_usage.ts";
import { measureCost } from "./relay_cost.ts";
import type { RelayProcess } from "./relay_process.ts";
import type { TestBed } from "./test_bed.ts";

const SIZES = [100, 1_000, 10_000];
/** 1 % of the largest crowd, and the same ones in all: then it is the idle ones alone that make a difference. */
const ACTIVE_PAIRS = 50;
const ACTIVE = {
  packetsPerSecond: 2_000,
  packetBytes: 1_400,
  pairs: ACTIVE_PAIRS,
};
/** Long enough for a keep-alive to some of the clients. */
const IDLE_MS = 20_000;
/** What handshakes and traffic leave behind is collected after a while. */
const SETTLE_MS = 5_000;

interface Step {
  readonly clients: number;
  readonly cpuUs: number;
  readonly residentKb: number;
  /** Per second. */
  readonly idleCpuMs: number;
}

/** One relay and a growing crowd. */
export const growth: Benchmark = {
  name: "growth",
  async run(bed: TestBed): Promise<Figure[]> {
    requireOpenFiles(SIZES.at(-1)! + 100);
    await using relay = await bed.startRelay();
    using crowd = new CrowdThread();
    const emptyKb = relay.residentKb();
    const steps: Step[] = [];
    let clients = 0;
    for (const size of SIZES) {
      const from = relay.address;
      await crowd.call("joinPairs", (size - clients) / 2, { from });
      clients = size;
      steps.push(await measureStep(relay, crowd, clients));
    }
    return [...steps.flatMap(stepFigures), ...compare(steps, emptyKb)];
  },
};

async function measureStep(
  relay: RelayProcess,
  crowd: CrowdThread,
  clients: number,
): Promise<Step> {
  // Traffic first: its code and its buffers then are in each step's memory.
  const { cpuUs } = await measureCost([relay], crowd, ACTIVE);
  await delay(systemClock, SETTLE_MS);
  const residentKb = relay.residentKb();
  const before = relay.cpuSeconds();
  await delay(systemClock, IDLE_MS);
  const idleSeconds = relay.cpuSeconds() - before;
  return {
    clients,
    cpuUs: cpuUs[0]!,
    residentKb,
    idleCpuMs: idleSeconds / IDLE_MS * 1e6,
  };
}

function stepFigures({ clients, cpuUs, idleCpuMs }: Step): Figure[] {
  return [
    { name: `CPU per packet, ${clients} clients`, value: cpuUs, unit: "us" },
    {
      name: `CPU when all ${clients} are idle`,
      value: idleCpuMs,
      unit: "ms/s",
    },
  ];
}

function compare(steps: readonly Step[], emptyKb: number): Figure[] {
  const [few, some, many] = steps as [Step, Step, Step];
  const kbEach = (a: Step, b: Step) =>
    (b.residentKb - a.residentKb) / (b.clients - a.clients);
  return [
    {
      name: `CPU per packet, ${many.clients} / ${few.clients}`,
      value: many.cpuUs / few.cpuUs,
      unit: "x",
      atMost: 1.3,
    },
    {
      name: "CPU per idle client, keep-alives and all",
      value: (many.idleCpuMs - few.idleCpuMs) * 1e3 /
        (many.clients - few.clients),
      unit: "us/s",
    },
    { name: "memory without clients", value: emptyKb / 1024, unit: "MB" },
    {
      name: `memory per client up to ${some.clients}`,
      value: kbEach(few, some),
      unit: "KB",
    },
    {
      name: `memory per client up to ${many.clients}`,
      value: kbEach(some, many),
      unit: "KB",
    },
  ];
}
