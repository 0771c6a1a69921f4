/** One receiver that gets more than it can take, and what of it arrives; served by `slow_client_worker.ts`. */
import { looksLikeDisco } from "../../src/derp/disco.ts";
import { NodePrivate } from "../../src/keys/node_key.ts";
import { LoopTurn } from "../../src/net/loop_turn.ts";
import { delay, systemClock, type Turn } from "../../src/util/clock.ts";
import { enterNamespace } from "../support/namespaces.ts";
import { LoadClient, type RelayAddress } from "./load_client.ts";
import type { FarEnd } from "./shaped_link.ts";
import { type Pair, Traffic, type TrafficResult } from "./traffic.ts";

const PACKET_BYTES = 1_400;
const DISCO = {
  packetsPerSecond: 10,
  packetBytes: 120,
  kind: "disco",
} as const;
/** What a `TurnBudget` lets pass between two turns. */
const TURN_BYTES = 128 * 1024;

/** What became of the packets of either kind. */
export interface SlowResult {
  readonly data: TrafficResult;
  readonly disco: TrafficResult;
  readonly goodputMbit: number;
}

export class SlowClient {
  readonly #turn = new LoopTurn();
  #data: Pair | undefined;
  #disco: Pair | undefined;
  #traffic: { data: Traffic; disco: Traffic } | undefined;

  /** The receiver connects from behind the link, or by default reads no more than so much. */
  async join(
    at: RelayAddress,
    slow: FarEnd | { readonly mbitPerSecond: number },
  ): Promise<void> {
    const connect = (address: RelayAddress, turn: Turn) =>
      LoadClient.connect(address, { key: NodePrivate.generate(), turn });
    const connectSlow = async () => {
      if (!("namespace" in slow)) {
        return await connect(at, new PacedTurn(slow.mbitPerSecond));
      }
      using _there = enterNamespace(slow.namespace);
      return await connect({ ...at, dialHost: slow.nearAddress }, this.#turn);
    };
    const receiver = await connectSlow();
    this.#data = { sender: await connect(at, this.#turn), receiver };
    this.#disco = { sender: await connect(at, this.#turn), receiver };
  }

  /** Begins to send so much, and a few disco packets. */
  begin(mbitPerSecond: number): Promise<void> {
    const packetsPerSecond = mbitPerSecond * 1e6 / 8 / PACKET_BYTES;
    const [data, disco] = [this.#data!, this.#disco!];
    const { receiver } = data;
    const plan = { packetsPerSecond, packetBytes: PACKET_BYTES };
    const ofData = new Traffic([data], plan, this.#turn);
    const takeData = receiver.onPacket!;
    const ofDisco = new Traffic([disco], DISCO, this.#turn);
    const takeDisco = receiver.onPacket!;
    receiver.onPacket = (buffer, start, end) =>
      (looksLikeDisco(buffer, start, end) ? takeDisco : takeData)(
        buffer,
        start,
        end,
      );
    this.#traffic = { data: ofData, disco: ofDisco };
    return Promise.resolve();
  }

  /** Counts anew from here on. */
  mark(): Promise<void> {
    this.#traffic!.data.mark();
    this.#traffic!.disco.mark();
    return Promise.resolve();
  }

  /** Stops to send; rejects where the receiver was lost. */
  async end(): Promise<SlowResult> {
    const { data, disco } = this.#traffic!;
    // Read before what waits has drained: it is the rate over the time that counts.
    const { received, seconds } = data.soFar();
    const goodputMbit = received * PACKET_BYTES * 8 / 1e6 / seconds;
    const results = await Promise.all([data.end(), disco.end()]);
    const { lostBy } = this.#data!.receiver;
    if (lostBy) throw new Error(`The slow receiver was lost: ${lostBy}`);
    return { data: results[0], disco: results[1], goodputMbit };
  }
}

/** Lets who reads have turns only as often as its pace allows. */
class PacedTurn implements Turn {
  readonly #turnMs: number;
  #nextMs = 0;

  constructor(mbitPerSecond: number) {
    this.#turnMs = TURN_BYTES * 8 / 1e6 / mbitPerSecond * 1000;
  }

  wait(): Promise<void> {
    const nowMs = performance.now();
    this.#nextMs = Math.max(this.#nextMs + this.#turnMs, nowMs);
    return delay(systemClock, this.#nextMs - nowMs);
  }
}
