/** Clients that a relay sends away and that come back at once, and new ones all the time. */
import { FrameType } from "../../src/derp/frame.ts";
import { NodePrivate } from "../../src/keys/node_key.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import { systemClock } from "../../src/util/clock.ts";
import { eventually } from "./child.ts";
import { TestClient } from "./test_client.ts";

const HOST = "127.0.0.1";
/** How many connect at a time in the beginning. */
const AT_ONCE = 16;

/** What one client heard before its connection ended, and when that was. */
export interface Departure {
  readonly ms: number;
  /** Of Health frames. */
  readonly texts: readonly string[];
  readonly restartings: number;
}

/** All clients of one relay's port; disposing of it ends them. */
export class ReturningClients implements AsyncDisposable {
  readonly #port: number;
  readonly #certificate: string;
  /** Why a client couldn't connect. */
  readonly failures: string[] = [];
  readonly departures: Departure[] = [];
  /** Connections that were admitted, those of newcomers too. */
  admissions = 0;
  readonly #connected = new Set<TestClient>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(port: number, certificate: string) {
    this.#port = port;
    this.#certificate = certificate;
  }

  /** Who is connected to stay. */
  get connected(): number {
    return this.#connected.size;
  }

  /** Resolves when that many clients are connected; they will be again and again. */
  async come(count: number): Promise<void> {
    let coming = 0;
    const someCome = async () => {
      while (coming++ < count) {
        const client = await this.#connect();
        if (client !== undefined) this.#running.push(this.#stay(client));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, someCome));
  }

  /** From now on there is always one more that comes, is admitted, and leaves. */
  keepComing(): void {
    this.#running.push(this.#keepComing());
  }

  /** Waits until as many are connected. */
  async allConnected(count: number): Promise<void> {
    await eventually(
      () => Promise.resolve(this.connected === count || undefined),
      () => `${count} clients, there are ${this.connected}`,
    );
  }

  async #keepComing(): Promise<void> {
    while (!this.#stopping.signal.aborted) (await this.#connect())?.close();
  }

  async #stay(first: TestClient): Promise<void> {
    let client: TestClient | undefined = first;
    while (client !== undefined) {
      this.#connected.add(client);
      const frames = await client.expectEnd();
      this.#connected.delete(client);
      client.close();
      if (this.#stopping.signal.aborted) return;
      this.departures.push({
        ms: systemClock.nowMs(),
        texts: frames.filter(({ type }) => type === FrameType.Health)
          .map(({ payload }) => new TextDecoder().decode(payload)),
        restartings: frames
          .filter(({ type }) => type === FrameType.Restarting).length,
      });
      client = await this.#connect();
    }
  }

  async #connect(): Promise<TestClient | undefined> {
    let conn: DenoConn | undefined;
    try {
      const tls = await Deno.connectTls({
        hostname: HOST,
        port: this.#port,
        caCerts: [this.#certificate],
      });
      conn = new DenoConn(tls);
      const key = NodePrivate.generate();
      const client = await TestClient.overHttp(conn, { key });
      this.admissions++;
      return client;
    } catch (error) {
      conn?.close();
      this.failures.push(String(error));
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    for (const client of this.#connected) client.close();
    await Promise.all(this.#running);
  }
}
