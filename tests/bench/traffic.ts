/** Packets from each pair's sender to its receiver, at a rate or as a flood, and what became of them. */
import { delay, systemClock, type Turn } from "../../src/util/clock.ts";
import { TurnBudget } from "../../src/util/turn_budget.ts";
import { Histogram } from "./histogram.ts";
import type { LoadClient } from "./load_client.ts";
import { PacketStamp } from "./packet_stamp.ts";

/** What the generator could not send within this time isn't offered any more: it would come as a burst. */
const MAX_OWED_MS = 20;
/** The runtime's timers are no finer. */
const TICK_MS = 1;
/** How long what was sent last may take. */
const DRAIN_MS = 500;

export interface Pair {
  readonly sender: LoadClient;
  readonly receiver: LoadClient;
}

/** What is sent. */
export interface TrafficPlan {
  /** Over all pairs; or as much as the connections take. */
  readonly packetsPerSecond: number | "flood";
  readonly packetBytes: number;
  readonly kind?: "disco" | "other";
}

/** What came of it since the last `mark()`. */
export interface TrafficResult {
  readonly seconds: number;
  /** What the plan wanted; 0 for a flood. */
  readonly wanted: number;
  readonly sent: number;
  readonly received: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Since the first packet, whatever was marked; before `end()` what is under way counts as lost. */
  readonly lostShare: number;
  /** How late the generator's own timer woke it: what a busy machine adds by itself; NaN for a flood. */
  readonly ownP99Ms: number;
}

/** Sends from its construction on, until `end()`. */
export class Traffic {
  readonly #pairs: readonly Pair[];
  readonly #plan: TrafficPlan;
  readonly #stamp: PacketStamp;
  readonly #latencies = new Histogram();
  readonly #ownDelays = new Histogram();
  readonly #sending: Promise<unknown>;
  #isSending = true;
  #epoch = 1;
  #sinceMs = performance.now();
  #sent = 0;
  /** Since the first packet. */
  #sentInAll = 0;
  #receivedInAll = 0;

  constructor(pairs: readonly Pair[], plan: TrafficPlan, turn: Turn) {
    this.#pairs = pairs;
    this.#plan = plan;
    this.#stamp = new PacketStamp(plan.packetBytes, plan.kind);
    for (const { receiver } of pairs) {
      receiver.onPacket = (buffer, _start, end) => this.#take(buffer, end);
    }
    const rate = plan.packetsPerSecond;
    this.#sending = rate === "flood"
      ? Promise.all(pairs.map((pair) => this.#flood(pair, turn)))
      : this.#sendAtRate(rate);
  }

  /** Begins to count anew: what was before was to warm up. */
  mark(): void {
    this.#epoch++;
    this.#sent = 0;
    this.#latencies.clear();
    this.#ownDelays.clear();
    this.#sinceMs = performance.now();
  }

  /** Stops to send, and waits for what is under way. */
  async end(): Promise<TrafficResult> {
    const seconds = (performance.now() - this.#sinceMs) / 1000;
    this.#isSending = false;
    await this.#sending;
    await delay(systemClock, DRAIN_MS);
    return this.#result(seconds);
  }

  /** What came of it so far; what is under way counts as not received. */
  soFar(): TrafficResult {
    return this.#result((performance.now() - this.#sinceMs) / 1000);
  }

  #result(seconds: number): TrafficResult {
    const rate = this.#plan.packetsPerSecond;
    return {
      seconds,
      wanted: rate === "flood" ? 0 : Math.floor(rate * seconds),
      sent: this.#sent,
      received: this.#latencies.total,
      p50Ms: this.#latencies.percentileMs(0.5),
      p99Ms: this.#latencies.percentileMs(0.99),
      maxMs: this.#latencies.maxMs,
      lostShare: 1 - this.#receivedInAll / this.#sentInAll,
      ownP99Ms: this.#ownDelays.percentileMs(0.99),
    };
  }

  #take(buffer: Uint8Array, end: number): void {
    this.#receivedInAll++;
    const sentMs = this.#stamp.readSentMs(buffer, end, this.#epoch);
    if (sentMs !== undefined) this.#latencies.add(performance.now() - sentMs);
  }

  #send({ sender, receiver }: Pair): boolean {
    const packet = this.#stamp.write(performance.now(), this.#epoch);
    const isTaken = sender.sendPacket(receiver.key, packet);
    if (!isTaken) return false;
    this.#sent++;
    this.#sentInAll++;
    return true;
  }

  /** The pairs take turns; each millisecond brings what is due. */
  async #sendAtRate(packetsPerSecond: number): Promise<void> {
    const startMs = performance.now();
    const maxOwed = Math.ceil(packetsPerSecond * MAX_OWED_MS / 1000);
    for (let done = 0, next = 0; this.#isSending;) {
      const elapsedMs = performance.now() - startMs;
      const due = Math.floor(elapsedMs * packetsPerSecond / 1000);
      done = Math.max(done, due - maxOwed);
      for (; done < due; done++, next = (next + 1) % this.#pairs.length) {
        this.#send(this.#pairs[next]!);
      }
      const beforeMs = performance.now();
      await delay(systemClock, TICK_MS);
      this.#ownDelays.add(performance.now() - beforeMs - TICK_MS);
    }
  }

  async #flood(pair: Pair, turn: Turn): Promise<void> {
    const budget = new TurnBudget(turn);
    while (this.#isSending && pair.sender.lostBy === undefined) {
      let packets = 0;
      while (this.#send(pair)) packets++;
      await pair.sender.drained();
      await budget.spend(packets * this.#plan.packetBytes, packets);
    }
  }
}
