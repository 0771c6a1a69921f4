/** Two relays in memory, the first of which dials the second. */
import { noTurn } from "./no_turn.ts";
import type { MeshKey } from "../../src/keys/mesh_key.ts";
import type { NodePrivate } from "../../src/keys/node_key.ts";
import { MeshLink } from "../../src/mesh/mesh_link.ts";
import type { Conn } from "../../src/net/conn.ts";
import {
  connPair,
  type ConnPairOptions,
  type MemoryConn,
} from "./conn_pair.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { readHead, startAfter } from "./http_head.ts";
import { TestRelay } from "./test_relay.ts";
import { testKey, testMeshKey } from "./test_keys.ts";

/** What a test may want otherwise. */
export interface TestLinkOptions {
  /** Relays that exist already, on one clock; whoever made them closes them. */
  readonly between?: readonly [local: TestRelay, remote: TestRelay];
  readonly remoteKey?: NodePrivate;
  readonly remoteMeshKey?: MeshKey;
  readonly pair?: ConnPairOptions;
}

/** Disposed of, all has ended and no timer is left. */
export class TestLink implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly local: TestRelay;
  readonly remote: TestRelay;
  readonly link: MeshLink;
  /** Resolves when the link has given up for good. */
  readonly done: Promise<void>;
  /** The link's ends of the connections that it dialled. */
  readonly dialled: MemoryConn[] = [];
  /** Who answers the dialling; a test may put something else here. */
  answer: (signal: AbortSignal) => Promise<Conn>;
  hasEnded = false;
  dials = 0;
  readonly #ownsRelays: boolean;

  private constructor(options: TestLinkOptions) {
    const meshKey = testMeshKey(1);
    const clock = options.between?.[0].clock ?? new FakeClock();
    const [local, remote] = options.between ?? [
      new TestRelay({ clock, meshKey }),
      new TestRelay({
        clock,
        key: options.remoteKey ?? testKey(200),
        meshKey: options.remoteMeshKey ?? meshKey,
      }),
    ];
    this.clock = clock;
    this.local = local;
    this.remote = remote;
    this.#ownsRelays = options.between === undefined;
    this.answer = () => this.connect(options.pair);
    const { table, writerParts } = local.relay;
    this.link = new MeshLink({
      host: "b.test",
      key: local.key,
      meshKey,
      clock,
      limiter: local.limiter,
      turn: noTurn,
      table,
      writerParts,
      dial: (signal) => {
        this.dials++;
        return this.answer(signal);
      },
    });
    this.done = this.link.run().then(() => {
      this.hasEnded = true;
    });
  }

  /** Starts the link and lets it do what needs no time. */
  static async start(options: TestLinkOptions = {}): Promise<TestLink> {
    const link = new TestLink(options);
    await settle();
    return link;
  }

  /** Connects to the second relay, which takes the upgrade. */
  connect(pair: ConnPairOptions = {}): Promise<MemoryConn> {
    const { client, server } = connPair(pair);
    this.dialled.push(client);
    void this.#serve(server); // never rejects
    return Promise.resolve(client);
  }

  async #serve(server: MemoryConn): Promise<void> {
    const request = await readHead(server);
    if (request === undefined) return server.close();
    await this.remote.acceptConn(server, startAfter(request.rest));
  }

  /** Stops the link and both relays; rejects where a timer is left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.link.stop();
    await this.done;
    if (!this.#ownsRelays) return;
    await this.local.close();
    await this.remote.close();
    if (this.clock.pending > 0) {
      throw new Error(`${this.clock.pending} timers are left behind`);
    }
  }
}
