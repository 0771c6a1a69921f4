/** STUN at full rate must not make relayed packets late. */
import { delay, systemClock } from "../../src/util/clock.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { CrowdThread, USUAL_SPAN } from "./crowd_thread.ts";
import type { StunLoad } from "./stun_load.ts";
import type { TestBed } from "./test_bed.ts";
import { Thread } from "./thread.ts";

const PAIRS = 10;
const RELAYED = { packetsPerSecond: 1_000, packetBytes: 1_400 };
const FLOOD_WARM_UP_MS = 1_000;

/** Ten pairs, with and without a STUN flood. */
export const stunFlood: Benchmark = {
  name: "stun_flood",
  async run(bed: TestBed): Promise<Figure[]> {
    await using relay = await bed.startRelay();
    using crowd = new CrowdThread();
    using stun = new Thread<StunLoad>(
      new URL("./stun_worker.ts", import.meta.url),
    );
    const { address, stunPort } = relay;
    await crowd.call("joinPairs", PAIRS, { from: address });
    const alone = await crowd.measure(RELAYED);
    await stun.call("begin", address.host, stunPort);
    await delay(systemClock, FLOOD_WARM_UP_MS);
    await stun.call("mark");
    let before = 0;
    const beside = await crowd.measure(RELAYED, USUAL_SPAN, () => {
      before = relay.cpuSeconds();
    });
    const busyShare = (relay.cpuSeconds() - before) / beside.seconds;
    const flood = await stun.call("end");
    return [
      { name: "relayed p99 alone", value: alone.p99Ms, unit: "ms" },
      { name: "relayed p99 beside STUN", value: beside.p99Ms, unit: "ms" },
      {
        name: "of it the machine's own delay",
        value: beside.ownP99Ms,
        unit: "ms",
      },
      {
        name: "p99 beside / alone",
        value: beside.p99Ms / alone.p99Ms,
        unit: "x",
        atMost: 2,
      },
      {
        name: "STUN answers",
        value: flood.answers / flood.seconds,
        unit: "answers/s",
      },
      // Well below 100: the requests come too slowly to be a flood.
      { name: "relay's CPU beside STUN", value: busyShare * 100, unit: "%" },
    ];
  },
};
