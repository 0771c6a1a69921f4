/** Two processes on one TLS port: who gets which connection, and whether any gets lost. */
import { delay, systemClock } from "../../src/util/clock.ts";
import { assertEquals } from "../support/assert.ts";
import { Child, eventually } from "../support/child.ts";
import { NEW, OLD } from "../support/tls_server.ts";

const HOST = "127.0.0.1";
const PROGRAM = new URL("../support/port_sharer.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
/** Requests under way at any time. */
const AT_ONCE = 6;

async function start(name: string, port = 0): Promise<[Child, number]> {
  const { HOME = "", DENO_DIR } = Deno.env.toObject();
  const command = [
    ...[Deno.execPath(), "run", "-q", "-A", "--no-check"],
    ...["--config", CONFIG, PROGRAM, name, `${port}`],
  ];
  const env = { HOME, ...DENO_DIR !== undefined && { DENO_DIR } };
  const child = new Child(command, { env });
  try {
    const [, used] = await child.line(/^on (\d+)$/);
    return [child, Number(used)];
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** Who answers a new connection of a client that trusts `certs`. */
async function ask(port: number, certs: string[]): Promise<string> {
  using conn = await Deno.connectTls({ hostname: HOST, port, caCerts: certs });
  const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  await conn.write(new TextEncoder().encode(request));
  let answer = "";
  const decoder = new TextDecoder();
  for (const buffer = new Uint8Array(1024);;) {
    const bytes = await conn.read(buffer);
    if (bytes === null) return answer.split("\r\n\r\n")[1]!;
    answer += decoder.decode(buffer.subarray(0, bytes));
  }
}

/** Asks all the time, for one process after the other to be counted. */
class Flood implements AsyncDisposable {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[];
  readonly failures: string[] = [];
  /** Who answered those who began to connect since the last call of `take()`. */
  #answers = new Map<string, number>();

  constructor(port: number) {
    this.#running = Array.from({ length: AT_ONCE }, () => this.#run(port));
  }

  take(): Map<string, number> {
    const answers = this.#answers;
    this.#answers = new Map();
    return answers;
  }

  /** Waits for an answer of this process. */
  async hears(name: string): Promise<void> {
    await eventually(
      () => Promise.resolve(this.#answers.get(name)),
      () => `an answer of ${name}; ${this.failures}`,
    );
  }

  async #run(port: number): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const answers = this.#answers;
      try {
        const name = await ask(port, [OLD.cert, NEW.cert]);
        answers.set(name, (answers.get(name) ?? 0) + 1);
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }
}

Deno.test("a second process gets all new connections of a port that is shared, and none is lost when the first one ends", async () => {
  const [first, port] = await start("first");
  await using _first = first;
  await using flood = new Flood(port);
  await flood.hears("first");
  const [second] = await start("second", port);
  await using _second = second;
  await flood.hears("second");
  flood.take();
  await delay(systemClock, 300);
  assertEquals([...flood.take().keys()], ["second"]);
  // It changes its certificate while there are both: its own new listener gets all.
  second.signal("SIGUSR1");
  await eventually(
    () => ask(port, [NEW.cert]).catch(() => undefined),
    () => "a connection with the new certificate",
  );
  flood.take();
  await first.stop("SIGTERM");
  assertEquals([...flood.take().keys()], ["second"]);
  await delay(systemClock, 300);
  assertEquals([...flood.take().keys()], ["second"]);
  assertEquals(await ask(port, [NEW.cert]), "second");
  assertEquals(flood.failures, []);
});

Deno.test("the first process gets the connections again when the second one has ended", async () => {
  const [first, port] = await start("first");
  await using _first = first;
  const [second] = await start("second", port);
  await second.stop();
  for (let i = 0; i < 5; i++) {
    assertEquals(await ask(port, [OLD.cert]), "first");
  }
  const [third] = await start("third", port);
  await using _third = third;
  for (let i = 0; i < 5; i++) {
    assertEquals(await ask(port, [OLD.cert]), "third");
  }
});
