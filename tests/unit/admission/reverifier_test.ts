/** Established clients that are asked about again: how often, how many at once, and who has to go. */
import type { Candidate, Verdict } from "../../../src/admission/admission.ts";
import {
  type Established,
  Reverifier,
} from "../../../src/admission/reverifier.ts";
import { delay } from "../../../src/util/clock.ts";
import { NodePublic } from "../../../src/keys/node_key.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

const INTERVAL_MS = 60_000;
const ALLOW: Verdict = { allow: true, by: "a test" };

const REFUSED: Verdict = {
  allow: false,
  isClear: true,
  reason: "not found",
  advice: "add it",
};
const NOBODY_CAN_TELL: Verdict = { ...REFUSED, isClear: false };

/** A client that notes whether it was thrown out. */
class FakeClient implements Established {
  readonly key: NodePublic;
  readonly ip = "192.0.2.7";
  hasEnded = false;

  constructor(number: number) {
    const bytes = new Uint8Array(32).fill(7);
    new DataView(bytes.buffer).setUint32(0, number);
    this.key = NodePublic.fromBytes(bytes);
  }

  end(): void {
    this.hasEnded = true;
  }
}

/** A reverifier on a clock of its own, with what it asks. */
class Bench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly asked: { client: Candidate; ms: number }[] = [];
  answer: (candidate: Candidate) => Promise<Verdict> = () =>
    Promise.resolve(ALLOW);
  readonly reverifier = new Reverifier({
    verifier: {
      reverify: (client) => {
        this.asked.push({ client, ms: this.clock.nowMs() });
        return this.answer(client);
      },
    },
    intervalMs: INTERVAL_MS,
    clock: this.clock,
    verifyCommand: (key) => `derper verify ${key.hex().slice(0, 4)}`,
  });

  watch(count: number): { clients: FakeClient[]; watches: Disposable[] } {
    const clients = Array.from({ length: count }, (_, i) => new FakeClient(i));
    const watches = clients.map((client) => this.reverifier.watch(client));
    return { clients, watches };
  }

  /** How often each client was asked about since the last call. */
  counts(clients: readonly FakeClient[]): Set<number> {
    const counts = new Map<Candidate, number>(clients.map((it) => [it, 0]));
    for (const { client } of this.asked.splice(0)) {
      counts.set(client, counts.get(client)! + 1);
    }
    return new Set(counts.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reverifier.close();
    assertEquals(this.clock.pending, 0);
  }
}

Deno.test("Reverifier asks about each client once in an interval, evenly", async () => {
  await using bench = new Bench();
  const { clients } = bench.watch(30);
  await bench.clock.advance(INTERVAL_MS);
  const times = bench.asked.map(({ ms }) => ms);
  assertEquals(times, Array.from({ length: 30 }, (_, i) => (i + 1) * 2_000));
  assertEquals(bench.counts(clients), new Set([1]));
  await bench.clock.advance(INTERVAL_MS);
  assertEquals(bench.counts(clients), new Set([1]));
});

Deno.test("Reverifier asks about 10,000 clients that came at once without a burst, eight at a time", async () => {
  await using bench = new Bench();
  let inFlight = 0;
  let most = 0;
  bench.answer = async () => {
    most = Math.max(most, ++inFlight);
    await delay(bench.clock, 10);
    inFlight--;
    return ALLOW;
  };
  const { clients } = bench.watch(10_000);
  await bench.clock.advance(INTERVAL_MS);
  const perTick = new Map<number, number>();
  for (const { ms } of bench.asked) {
    const tick = Math.floor(ms / 250);
    perTick.set(tick, (perTick.get(tick) ?? 0) + 1);
  }
  assertEquals(most, 8);
  assert(Math.max(...perTick.values()) <= 42, "10,000 in 240 ticks");
  await bench.clock.advance(100); // for those of the last tick
  assertEquals(bench.counts(clients), new Set([1]));
});

Deno.test("Reverifier ends the connection of who is clearly refused, with one line that says why", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench();
  const { clients: [a, b] } = bench.watch(2);
  bench.answer = (candidate) =>
    Promise.resolve(candidate === b ? REFUSED : ALLOW);
  await bench.clock.advance(INTERVAL_MS);
  assertEquals([a!.hasEnded, b!.hasEnded], [false, true]);
  assertEquals(log.lines.length, 1);
  assertStringIncludes(
    log.lines[0]!,
    `[warning] admission: ended the connection of ${b!.key.shortString()} ` +
      "from 192.0.2.7: not found; add it; to ask again: derper verify 0000",
  );
  assertEquals(bench.reverifier.snapshot(), {
    counter_derper_reverify_asked: 2,
    counter_derper_reverify_ended: 1,
  });
});

Deno.test("Reverifier never ends a connection because nobody can tell", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench();
  const { clients } = bench.watch(3);
  bench.answer = () => Promise.resolve(NOBODY_CAN_TELL);
  await bench.clock.advance(5 * INTERVAL_MS);
  assertEquals(bench.asked.length, 15);
  assert(clients.every(({ hasEnded }) => !hasEnded));
  assertEquals(log.lines, []);
});

Deno.test("Reverifier lets hanging questions hold up nothing but further ones, and makes up for none", async () => {
  await using bench = new Bench();
  bench.watch(600);
  const slow = Promise.withResolvers<Verdict>();
  bench.answer = () => slow.promise;
  await bench.clock.advance(INTERVAL_MS);
  assertEquals(bench.asked.length, 8);
  bench.answer = () => Promise.resolve(ALLOW);
  slow.resolve(ALLOW);
  await bench.clock.advance(1_000);
  assertEquals(bench.asked.length, 8 + 3 + 10); // 10 a second, and at once what a tick may have left
});

Deno.test("Reverifier asks no more about who has left, and leaves no timer when all have", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench();
  const { clients, watches } = bench.watch(2);
  const late = Promise.withResolvers<Verdict>();
  bench.answer = () => late.promise;
  await bench.clock.advance(INTERVAL_MS / 2);
  const gone = clients[0]!;
  assertEquals(bench.asked.map(({ client }) => client), [gone]);
  watches[0]![Symbol.dispose]();
  late.resolve(REFUSED);
  await settle();
  assertEquals([gone.hasEnded, log.lines], [false, []]);
  watches[1]![Symbol.dispose]();
  assertEquals(bench.clock.pending, 0);
  await bench.clock.advance(INTERVAL_MS);
  assertEquals(bench.asked.length, 1);
});

Deno.test("Reverifier.close() waits for the question under way and ends nobody by it", async () => {
  await using bench = new Bench();
  const { clients: [client] } = bench.watch(1);
  const late = Promise.withResolvers<Verdict>();
  bench.answer = () => late.promise;
  await bench.clock.advance(INTERVAL_MS);
  let isClosed = false;
  const closing = bench.reverifier.close().then(() => isClosed = true);
  await settle();
  assert(!isClosed);
  late.resolve(REFUSED);
  await closing;
  assert(!client!.hasEnded);
});
