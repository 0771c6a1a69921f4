/** Who is sent more than its link carries gets what is fresh, and costs nobody else anything. */
import { delay, systemClock } from "../../src/util/clock.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { CrowdThread } from "./crowd_thread.ts";
import { ShapedLink } from "./shaped_link.ts";
import type { SlowClient, SlowResult } from "./slow_client.ts";
import type { TestBed } from "./test_bed.ts";
import { Thread } from "./thread.ts";

const LINK = { mbitPerSecond: 10, latencyMs: 50 };
const SENT_MBIT = [17, 34];
const OTHER_PAIRS = 10;
const OTHERS = { packetsPerSecond: 1_000, packetBytes: 200 };
const WARM_UP_MS = 2_000;

/** A receiver behind 10 Mbit/s; where no link can be made, one that reads at that pace. */
export const slowReceiver: Benchmark = {
  name: "slow_receiver",
  async run(bed: TestBed): Promise<Figure[]> {
    await using link = await ShapedLink.make(LINK).catch(() => undefined);
    await using relay = await bed.startRelay({ listenHost: "0.0.0.0" });
    using others = new CrowdThread();
    using slow = new Thread<SlowClient>(
      new URL("./slow_client_worker.ts", import.meta.url),
    );
    await others.call("joinPairs", OTHER_PAIRS, { from: relay.address });
    await slow.call("join", relay.address, link?.farEnd ?? LINK);
    const alone = await others.measure(OTHERS);
    const figures: Figure[] = [
      { name: "other receivers' p99 alone", value: alone.p99Ms, unit: "ms" },
    ];
    const how = link === undefined ? "read at 10 Mbit/s" : "10 Mbit/s link";
    // The kernel's own buffers hold more where the network isn't slow.
    const promise = link && { atMost: 50 };
    for (const mbit of SENT_MBIT) {
      await slow.call("begin", mbit);
      await delay(systemClock, WARM_UP_MS);
      await slow.call("mark");
      const beside = await others.measure(OTHERS);
      const result = await slow.call("end");
      const title = `${how}, sent ${mbit}`;
      figures.push(...figuresOf(title, result, promise), {
        name: `${title}: other receivers' p99`,
        value: beside.p99Ms,
        unit: "ms",
      });
    }
    return figures;
  },
};

function figuresOf(
  title: string,
  { data, disco, goodputMbit }: SlowResult,
  promise?: Pick<Figure, "atMost">,
): Figure[] {
  return [
    { name: `${title}: p50`, value: data.p50Ms, unit: "ms" },
    { name: `${title}: p99`, value: data.p99Ms, unit: "ms" },
    { name: `${title}: goodput`, value: goodputMbit, unit: "Mbit/s" },
    {
      name: `${title}: disco packets' p50`,
      value: disco.p50Ms,
      unit: "ms",
      ...promise,
    },
  ];
}
