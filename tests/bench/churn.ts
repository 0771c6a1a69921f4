/** Clients that come and go all the time, some of them without a goodbye. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { LoopTurn } from "../../src/net/loop_turn.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import { LoadClient, type RelayAddress } from "./load_client.ts";

const MIN_LIFE_MS = 500;
const MAX_LIFE_MS = 15_000;
const PACKET_BYTES = 1_400;
/** Also to those who have just left, as in life. */
const PACKETS_IN_A_LIFE = 20;

/** Who came and went. */
export interface ChurnResult {
  readonly came: number;
  /** Why some didn't get in, or were thrown out, each reason once. */
  readonly failures: readonly string[];
}

/** Served by `churn_worker.ts`. */
export class Churn {
  readonly #turn = new LoopTurn();
  readonly #failures = new Set<string>();
  readonly #lives: Promise<void>[] = [];
  /** Keys of the last who came, to send to. */
  #recent: Uint8Array[] = [];
  #came = 0;
  #isOver = false;

  /** Keeps about `clients` there. */
  begin(at: RelayAddress, clients: number): Promise<void> {
    for (let i = 0; i < clients; i++) this.#lives.push(this.#liveOnAndOn(at));
    return Promise.resolve();
  }

  /** What happened so far. */
  soFar(): Promise<ChurnResult> {
    return Promise.resolve({
      came: this.#came,
      failures: [...this.#failures],
    });
  }

  /** Lets the last ones leave; rejects where nobody ever came. */
  async end(): Promise<ChurnResult> {
    this.#isOver = true;
    await Promise.all(this.#lives);
    if (this.#came === 0) throw new Error("Nobody came");
    return await this.soFar();
  }

  async #liveOnAndOn(at: RelayAddress): Promise<void> {
    await delay(systemClock, Math.random() * MAX_LIFE_MS);
    while (!this.#isOver) {
      try {
        await this.#live(at);
      } catch (error) {
        this.#failures.add(String(error));
        await delay(systemClock, MIN_LIFE_MS);
      }
    }
  }

  async #live(at: RelayAddress): Promise<void> {
    const key = NodePrivate.generate();
    const client = await LoadClient.connect(at, { key, turn: this.#turn });
    this.#came++;
    this.#recent = [...this.#recent.slice(-20), client.key];
    const packet = new Uint8Array(PACKET_BYTES);
    const lifeMs = MIN_LIFE_MS + Math.random() * (MAX_LIFE_MS - MIN_LIFE_MS);
    for (let i = 0; i < PACKETS_IN_A_LIFE && !this.#isOver; i++) {
      const to = this.#recent[i % this.#recent.length]!;
      client.sendPacket(to, packet);
      await delay(systemClock, lifeMs / PACKETS_IN_A_LIFE);
    }
    const { lostBy } = client;
    client.close();
    if (lostBy !== undefined) throw new Error(`Thrown out: ${lostBy}`);
  }
}
