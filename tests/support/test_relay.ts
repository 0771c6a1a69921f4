/** A relay in memory, on a clock of its own. */
import { noTurn } from "./no_turn.ts";
import type { Admission } from "../../src/admission/admission.ts";
import type { MeshKey } from "../../src/keys/mesh_key.ts";
import type { NodePrivate } from "../../src/keys/node_key.ts";
import { LogLimiter } from "../../src/log/limited.ts";
import type { Conn } from "../../src/net/conn.ts";
import type { Turn } from "../../src/util/clock.ts";
import type { DerpStart } from "../../src/relay/handshake.ts";
import type { RateLimits } from "../../src/relay/rate_limit.ts";
import { Relay, type RelayOptions } from "../../src/relay/relay.ts";
import {
  connPair,
  type ConnPairOptions,
  type MemoryConn,
} from "./conn_pair.ts";
import { FakeClock } from "./fake_clock.ts";
import { TestClient, type TestClientOptions } from "./test_client.ts";
import { testKey } from "./test_keys.ts";

/** derper's default for clients. */
const WRITE_TIMEOUT_MS = 2000;

/** What a test may want otherwise. */
export interface TestRelayOptions {
  readonly key?: NodePrivate;
  readonly meshKey?: MeshKey;
  readonly admission?: Admission;
  readonly reverifier?: RelayOptions["reverifier"];
  readonly verifyCommand?: RelayOptions["verifyCommand"];
  readonly writeTimeoutMs?: number;
  readonly rateLimits?: RateLimits;
  /** By default a turn takes no time. */
  readonly turn?: Turn;
  /** For several relays that live in the same time. */
  readonly clock?: FakeClock;
}

/** A client that connects to it, and the connection it does so over. */
export interface ConnectOptions extends Omit<TestClientOptions, "key"> {
  readonly key?: NodePrivate;
  readonly notIdeal?: boolean;
  readonly pair?: ConnPairOptions;
}

/** One connection that the relay has accepted. */
export interface Accepted {
  /** The client's end. */
  readonly client: MemoryConn;
  /** The relay's end. */
  readonly server: MemoryConn;
  /** Resolves when the relay is done with the connection. */
  readonly done: Promise<void>;
}

/** Closed, it has waited for all its connections and left no timer behind. */
export class TestRelay implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly key: NodePrivate;
  readonly limiter: LogLimiter;
  readonly relay: Relay;
  readonly #ownsClock: boolean;
  readonly #accepted = new Map<Conn, Promise<void>>();
  #nextKey = 100;

  constructor(options: TestRelayOptions = {}) {
    const { clock, key = testKey(1), ...rest } = options;
    this.key = key;
    this.#ownsClock = clock === undefined;
    this.clock = clock ?? new FakeClock();
    this.limiter = new LogLimiter(this.clock);
    this.relay = new Relay({
      key,
      writeTimeoutMs: WRITE_TIMEOUT_MS,
      limiter: this.limiter,
      turn: noTurn,
      ...rest,
      clock: this.clock,
    });
  }

  /** Has the relay accept one end of a new pair. */
  accept(
    pair: ConnPairOptions = {},
    start: Partial<DerpStart> = {},
  ): Accepted {
    const { client, server } = connPair(pair);
    return { client, server, done: this.acceptConn(server, start) };
  }

  /** Has the relay accept any connection. */
  acceptConn(conn: Conn, start: Partial<DerpStart> = {}): Promise<void> {
    const none = new Uint8Array();
    const done = this.relay.accept(conn, {
      preface: none,
      rest: none,
      notIdeal: false,
      ...start,
    });
    this.#accepted.set(conn, done);
    return done;
  }

  /** Connects a client; each has a key of its own where none is given. */
  async connect(options: ConnectOptions = {}): Promise<TestClient> {
    const { pair, notIdeal = false, ...rest } = options;
    const { client } = this.accept(pair, { notIdeal });
    const key = options.key ?? testKey(this.#nextKey++);
    return await TestClient.overDerp(client, { ...rest, key });
  }

  /** One value of the metrics, by derper's name. */
  metric(name: string): number {
    const value = this.relay.metrics.snapshot()[name];
    if (value === undefined) throw new RangeError(`No metric ${name}`);
    return value;
  }

  /** How many packets were dropped for a reason, and their bytes. */
  dropped(reason: string, kind = "other"): { packets: number; bytes: number } {
    const labels = `{reason="${reason}",kind="${kind}"}`;
    return {
      packets: this.metric(`derp_packets_dropped${labels}`),
      bytes: this.metric(`derp_bytes_dropped${labels}`),
    };
  }

  /** Ends all connections, and rejects where one leaves a timer behind. */
  async close(): Promise<void> {
    for (const conn of this.#accepted.keys()) conn.close();
    await Promise.all(this.#accepted.values());
    this.limiter.close();
    if (this.#ownsClock && this.clock.pending > 0) {
      throw new Error(`${this.clock.pending} timers are left behind`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
