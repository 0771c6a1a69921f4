/** Clients of one Worker: they join in pairs or as a storm, stay idle or send, and are missed when they get lost. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { LoopTurn } from "../../src/net/loop_turn.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import { giveWay } from "./give_way.ts";
import { Histogram } from "./histogram.ts";
import { LoadClient, type RelayAddress } from "./load_client.ts";
import {
  type Pair,
  Traffic,
  type TrafficPlan,
  type TrafficResult,
} from "./traffic.ts";

/** How many connect at a time where no storm is wanted. */
const AT_ONCE = 32;
/** Less of what was planned is another load than the one that is reported. */
const MIN_OFFERED_SHARE = 0.9;

/** Who joins a storm. */
export interface StormPlan {
  readonly clients: number;
  /** The time over which they begin to connect. */
  readonly overMs: number;
  /** Each so many-th comes with the key of the one before it. */
  readonly duplicateEvery?: number;
}

/** What became of a storm. */
export interface StormResult {
  readonly admitted: number;
  /** Why the others weren't, each reason once. */
  readonly refusals: readonly string[];
  /** From the first attempt to the last admission. */
  readonly seconds: number;
  /** From a client's first attempt to its admission. */
  readonly p99Ms: number;
}

/** All of a Worker's clients; served by `crowd_worker.ts`. */
export class Crowd {
  readonly #turn = new LoopTurn();
  readonly #pairs: Pair[] = [];
  readonly #others: LoadClient[] = [];
  #traffic: Traffic | undefined;

  /** Adds pairs whose senders and receivers may be at different relays; they are idle at first. */
  async joinPairs(
    pairs: number,
    { from, to = from }: { from: RelayAddress; to?: RelayAddress },
  ): Promise<void> {
    let left = pairs;
    const joinSome = async () => {
      while (left-- > 0) {
        const [sender, receiver] = await Promise.all([
          this.#connect(from, NodePrivate.generate()),
          this.#connect(to, NodePrivate.generate()),
        ]);
        this.#pairs.push({ sender, receiver });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE / 2 }, joinSome));
  }

  /** Clients come all at once, each tries once, and those who are admitted stay idle; at the lowest priority. */
  async storm(at: RelayAddress, plan: StormPlan): Promise<StormResult> {
    const { clients, overMs, duplicateEvery = Infinity } = plan;
    giveWay();
    const keys: NodePrivate[] = [];
    for (let i = 0; i < clients; i++) { // before the clock starts
      const isDuplicate = i > 0 && i % duplicateEvery === 0;
      keys.push(isDuplicate ? keys[i - 1]! : NodePrivate.generate());
    }
    const startMs = performance.now();
    const refusals = new Set<string>();
    const durations = new Histogram();
    let lastMs = startMs;
    await Promise.all(keys.map(async (key, i) => {
      await delay(systemClock, i / clients * overMs);
      const beginMs = performance.now();
      try {
        this.#others.push(await this.#connect(at, key));
        lastMs = performance.now();
        durations.add(lastMs - beginMs);
      } catch (error) {
        refusals.add(String(error));
      }
    }));
    return {
      admitted: durations.total,
      refusals: [...refusals],
      seconds: (lastMs - startMs) / 1000,
      p99Ms: durations.percentileMs(0.99),
    };
  }

  /** Lets the first `pairs` begin to send; a flood at the lowest priority, so in a thread of its own. */
  begin(plan: TrafficPlan, pairs: number = Infinity): Promise<void> {
    const senders = this.#pairs.slice(0, pairs);
    if (senders.length === 0) throw new Error("There is nobody to send");
    if (plan.packetsPerSecond === "flood") giveWay();
    this.#traffic = new Traffic(senders, plan, this.#turn);
    return Promise.resolve();
  }

  /** Counts anew from here on. */
  mark(): Promise<void> {
    this.#sending().mark();
    return Promise.resolve();
  }

  /** The counts up to here; rejects where nothing arrives, but not where little could be sent. */
  soFar(): Promise<TrafficResult> {
    return Promise.resolve(this.#arrived(this.#sending().soFar()));
  }

  /** Stops to send; rejects where nothing was measured. */
  async end(): Promise<TrafficResult> {
    const traffic = this.#sending();
    this.#traffic = undefined;
    return this.#checked(await traffic.end());
  }

  /** Rejects where a client was lost. */
  checkAllAreThere(): Promise<void> {
    const all = this.#pairs.flatMap((pair) => [pair.sender, pair.receiver]);
    const reasons = [...all, ...this.#others].map((client) => client.lostBy)
      .filter((reason) => reason !== undefined);
    if (reasons.length > 0) {
      throw new Error(`${reasons.length} clients were lost: ${reasons[0]}`);
    }
    return Promise.resolve();
  }

  #connect(at: RelayAddress, key: NodePrivate): Promise<LoadClient> {
    return LoadClient.connect(at, { key, turn: this.#turn });
  }

  #sending(): Traffic {
    if (this.#traffic !== undefined) return this.#traffic;
    throw new Error("Nobody sends");
  }

  #checked(result: TrafficResult): TrafficResult {
    const { wanted, sent } = this.#arrived(result);
    if (sent >= wanted * MIN_OFFERED_SHARE) return result;
    throw new Error(
      `Only ${sent} of ${wanted} packets could be sent: this machine is too busy`,
    );
  }

  #arrived(result: TrafficResult): TrafficResult {
    void this.checkAllAreThere();
    if (result.received > 0) return result;
    throw new Error(`None of ${result.sent} packets arrived`);
  }
}
