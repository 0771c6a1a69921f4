/** What a packet costs a relay. */
import { type CrowdThread, type Span, USUAL_SPAN } from "./crowd_thread.ts";
import type { RelayProcess } from "./relay_process.ts";
import type { TrafficPlan, TrafficResult } from "./traffic.ts";

/** What came of the traffic, and the CPU time per received packet on each relay. */
export interface CostedResult extends TrafficResult {
  readonly cpuUs: readonly number[];
}

/** Lets the crowd send while the relays' CPU time is taken. */
export async function measureCost(
  relays: readonly RelayProcess[],
  crowd: CrowdThread,
  { span = USUAL_SPAN, ...plan }: TrafficPlan & {
    readonly pairs?: number;
    readonly span?: Span;
  },
): Promise<CostedResult> {
  let before: number[] = [];
  const result = await crowd.measure(plan, span, () => {
    before = relays.map((relay) => relay.cpuSeconds());
  });
  const cpuUs = relays.map((relay, i) =>
    (relay.cpuSeconds() - before[i]!) * 1e6 / result.received
  );
  return { ...result, cpuUs };
}
