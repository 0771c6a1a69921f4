/** One client that floods the relay must not make all others late. */
import { delay, systemClock } from "../../src/util/clock.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { CrowdThread } from "./crowd_thread.ts";
import type { TestBed } from "./test_bed.ts";

const QUIET_PAIRS = 100;
const QUIET = { packetsPerSecond: 1_000, packetBytes: 200 };
const FLOOD = { packetsPerSecond: "flood", packetBytes: 1_400 } as const;
const FLOOD_WARM_UP_MS = 2_000;

/** 100 pairs send ten packets a second each, with and without one flooding pair. */
export const floodQuiet: Benchmark = {
  name: "flood_quiet",
  async run(bed: TestBed): Promise<Figure[]> {
    await using relay = await bed.startRelay();
    // A thread each, so that the quiet pairs' clock isn't held up by the flood's own work.
    using quiet = new CrowdThread();
    using flooding = new CrowdThread();
    const from = relay.address;
    await quiet.call("joinPairs", QUIET_PAIRS, { from });
    await flooding.call("joinPairs", 1, { from });
    const alone = await quiet.measure(QUIET);
    await flooding.call("begin", FLOOD);
    await delay(systemClock, FLOOD_WARM_UP_MS);
    await flooding.call("mark");
    const beside = await quiet.measure(QUIET);
    const flood = await flooding.call("end");
    return [
      { name: "quiet pairs' p99 alone", value: alone.p99Ms, unit: "ms" },
      {
        name: "quiet pairs' p99 beside a flood",
        value: beside.p99Ms,
        unit: "ms",
      },
      {
        name: "p99 beside / alone",
        value: beside.p99Ms / alone.p99Ms,
        unit: "x",
        atMost: 2,
      },
      {
        name: "of it the machine's own delay",
        value: beside.ownP99Ms,
        unit: "ms",
      },
      {
        name: "quiet packets lost",
        value: beside.lostShare * 100,
        unit: "%",
      },
      {
        name: "flood delivered",
        value: flood.received / flood.seconds,
        unit: "packets/s",
      },
    ];
  },
};
