/** A crowd of clients in a thread of its own. */
import type { Crowd } from "./crowd.ts";
import { Thread } from "./thread.ts";
import type { TrafficPlan, TrafficResult } from "./traffic.ts";
import { delay, systemClock } from "../../src/util/clock.ts";

/** How a measurement is cut. */
export interface Span {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** Long enough for the relay's code to be compiled, and for 1 % of a packet a millisecond to be a number. */
export const USUAL_SPAN: Span = { warmUpMs: 2_000, measureMs: 5_000 };

/** Disposing of it ends all its connections. */
export class CrowdThread extends Thread<Crowd> {
  constructor() {
    super(new URL("./crowd_worker.ts", import.meta.url));
  }

  /** Sends for a while and tells what came of it; `atMark` is called when the counting begins. */
  async measure(
    plan: TrafficPlan & { readonly pairs?: number },
    { warmUpMs, measureMs }: Span = USUAL_SPAN,
    atMark: () => void = () => {},
  ): Promise<TrafficResult> {
    await this.call("begin", plan, plan.pairs ?? Infinity);
    await delay(systemClock, warmUpMs);
    await this.call("mark");
    atMark();
    await delay(systemClock, measureMs);
    return await this.call("end");
  }
}
