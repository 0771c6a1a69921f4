/** Lists of devices that are looked at from time to time: how often, and what counts when they can't be had. */
import type { Device, DeviceList } from "../../../src/admission/device_list.ts";
import {
  expiryMs,
  RetryLaterError,
} from "../../../src/admission/device_list.ts";
import { ListedSource } from "../../../src/admission/listed_source.ts";
import { type Answer, SourceError } from "../../../src/admission/source.ts";
import type { NodePublic } from "../../../src/keys/node_key.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { testKey } from "../../support/test_keys.ts";

const [ANNE, BERT, CARL] = [1, 2, 3].map((n) => testKey(n).publicKey) as [
  NodePublic,
  NodePublic,
  NodePublic,
];
const NEVER = Infinity;

function list(
  devices: readonly [NodePublic, Partial<Device>][],
  etag?: string,
): DeviceList {
  const byKey = new Map(
    devices.map(([key, device]) => [
      key.toString(),
      { name: undefined, expiresAtMs: NEVER, ...device },
    ]),
  );
  return { byKey, count: byKey.size, etag };
}

const ANNES = list([[ANNE, { name: "anne" }]]);
const DOWN = new SourceError("No answer from hut", {
  advice: "light a fire",
  isUnreachable: true,
});

/** A source, and the server that its test plays. */
class Bench {
  readonly clock = new FakeClock();
  /** The etag of each look. */
  readonly looks: (string | undefined)[] = [];
  /** What the server says; undefined is "not modified". */
  says: DeviceList | Error | "nothing" | undefined;
  isClosed = false;
  readonly source: ListedSource;

  constructor(says: Bench["says"] = ANNES) {
    this.says = says;
    this.source = new ListedSource({
      kind: "headscale",
      name: "hut",
      lister: {
        list: (etag, signal) => this.#list(etag, signal),
        close: () => this.isClosed = true,
      },
      clock: this.clock,
      random: () => 0,
    });
  }

  #list(
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<DeviceList | undefined> {
    this.looks.push(etag);
    const { says } = this;
    if (says === "nothing") {
      return new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(DOWN))
      );
    }
    return says instanceof Error ? Promise.reject(says) : Promise.resolve(says);
  }

  ask(key: NodePublic, signal = new AbortController().signal): Promise<Answer> {
    return this.source.ask({ key, ip: "192.0.2.1" }, signal);
  }

  async reason(key: NodePublic): Promise<string> {
    const answer = await this.ask(key);
    if (answer.admitted) throw new Error("Admitted");
    return `${answer.reason}; ${answer.advice}`;
  }

  /** Whether `key` gets in; "?" where the source can't tell. */
  async tells(key: NodePublic): Promise<"yes" | "no" | "?"> {
    try {
      return (await this.ask(key)).admitted ? "yes" : "no";
    } catch (error) {
      assert(error instanceof SourceError);
      return "?";
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close();
    assertEquals(this.clock.pending, 0);
    assert(this.isClosed);
  }
}

Deno.test("ListedSource admits who is listed, by name, and refuses who isn't", async () => {
  await using bench = new Bench();
  assertEquals(await bench.ask(ANNE), { admitted: true, node: "anne" });
  assertMatch(await bench.reason(BERT), /^Not in the list of hut; is the/);
  assertEquals(bench.looks.length, 2);
});

Deno.test("ListedSource looks once a minute, whether clients come or not", async () => {
  await using bench = new Bench();
  await bench.clock.advance(59_999);
  assertEquals(bench.looks.length, 1);
  await bench.clock.advance(1);
  assertEquals(bench.looks.length, 2);
  await bench.clock.advance(600_000);
  assertEquals(bench.looks.length, 12);
  assertEquals(bench.source.listAgeMs, 0);
});

Deno.test("ListedSource admits a device that was just added by one look, shared by all who wait", async () => {
  await using bench = new Bench();
  await bench.clock.advance(1);
  bench.says = list([[ANNE, {}], [BERT, { name: "bert" }]]);
  const answers = await Promise.all([1, 2, 3].map(() => bench.ask(BERT)));
  assertEquals(answers[2], { admitted: true, node: "bert" });
  assertEquals(bench.looks.length, 2);
  await bench.clock.advance(59_999); // the minute begins anew
  assertEquals(bench.looks.length, 2);
});

Deno.test("ListedSource looks for strangers at most once in 5 s, and doesn't keep them waiting", async () => {
  await using bench = new Bench();
  for (let second = 0; second < 20; second++) {
    assertEquals(await bench.tells(CARL), "no");
    await bench.clock.advance(1_000);
  }
  assertEquals(bench.looks.length, 5);
  assertEquals(await bench.tells(ANNE), "yes");
});

Deno.test("ListedSource can't tell before the first list has come", async () => {
  await using bench = new Bench(DOWN);
  const signal = new AbortController().signal;
  const error = await assertRejects(() => bench.ask(ANNE), SourceError);
  assertEquals(error, DOWN);
  await assertRejects(() => bench.source.check(signal), SourceError);
  bench.says = ANNES;
  assertEquals(await bench.tells(ANNE), "?"); // looked less than 5 s ago
  await bench.clock.advance(5_000);
  assertEquals(await bench.tells(ANNE), "yes");
  await bench.source.check(signal);
});

Deno.test("ListedSource keeps its last good list while the server fails, and clearly refuses nobody by it", async () => {
  await using bench = new Bench();
  await bench.clock.advance(10_000);
  bench.says = DOWN;
  await bench.clock.advance(24 * 3_600_000);
  assertEquals(await bench.tells(ANNE), "yes");
  assertEquals(await bench.tells(BERT), "?");
  await bench.source.check(new AbortController().signal);
  assertEquals(bench.source.problem, DOWN);
  assertEquals(bench.source.listAgeMs, 24 * 3_600_000 + 10_000);
  bench.says = list([[BERT, {}]]);
  await bench.clock.advance(120_000);
  assertEquals(await bench.tells(BERT), "yes");
  assertEquals(await bench.tells(ANNE), "no");
  assertEquals(bench.source.problem, undefined);
});

Deno.test("ListedSource looks ever less often while the server fails", async () => {
  await using bench = new Bench(DOWN);
  const times: number[] = [];
  for (let ms = 0; ms <= 400_000; ms += 1_000) {
    while (times.length < bench.looks.length) times.push(ms / 1_000);
    await bench.clock.advance(1_000);
  }
  assertEquals(times, [0, 5, 15, 35, 75, 155, 275, 395]);
  bench.says = ANNES;
  await bench.clock.advance(120_000);
  const count = bench.looks.length;
  await bench.clock.advance(60_000);
  assertEquals(bench.looks.length, count + 1);
});

Deno.test("ListedSource leaves a server alone for as long as it asks", async () => {
  await using bench = new Bench(
    new RetryLaterError("Busy", { advice: "wait", retryAfterMs: 100_000 }),
  );
  for (let second = 0; second < 100; second++) {
    assertEquals(await bench.tells(ANNE), "?");
    assertEquals(bench.looks.length, 1);
    await bench.clock.advance(1_000);
  }
  assertEquals(bench.looks.length, 2);
});

Deno.test("ListedSource gives each look 20 s, and answers from its list meanwhile", async () => {
  await using bench = new Bench();
  await bench.clock.advance(10_000);
  bench.says = "nothing";
  const waiting = new AbortController();
  const answer = bench.ask(BERT, waiting.signal);
  assertEquals(await bench.tells(ANNE), "yes");
  waiting.abort();
  const error = await assertRejects(() => answer, SourceError);
  assertEquals(error.message, "No answer from hut: not in time");
  assert(error.isUnreachable);
  const other = bench.ask(BERT);
  await bench.clock.advance(19_999);
  assertEquals(bench.source.problem, undefined);
  bench.says = ANNES;
  const refused = assertRejects(() => other, SourceError);
  await bench.clock.advance(1);
  await refused;
  await bench.clock.advance(5_000);
  assertEquals(bench.source.problem, undefined);
});

Deno.test("ListedSource refuses a device from the moment that its key expires, also by an old list", async () => {
  const until = Date.parse("2026-01-02T03:05:05Z"); // a minute after the start
  await using bench = new Bench(
    list([[ANNE, { name: "anne", expiresAtMs: until }]]),
  );
  assertEquals(await bench.tells(ANNE), "yes");
  await bench.clock.advance(59_000);
  assertEquals(await bench.tells(ANNE), "yes");
  bench.says = DOWN;
  await bench.clock.advance(1_000);
  assertEquals(await bench.tells(ANNE), "?");
  bench.says = list([[ANNE, { name: "anne", expiresAtMs: until }]]);
  await bench.clock.advance(10_000);
  assertStringIncludes(
    await bench.reason(ANNE),
    'In the list of hut, but the device "anne" has a key that expired at 2026-01-02T03:05:05.000Z; ',
  );
});

Deno.test("ListedSource refuses a device that is listed but barred, and says why", async () => {
  await using bench = new Bench(list([[ANNE, { barred: "isn't authorized" }]]));
  assertStringIncludes(
    await bench.reason(ANNE),
    "but the device isn't authorized; ",
  );
});

Deno.test("ListedSource asks by the name of the list that it has, and keeps that", async () => {
  await using bench = new Bench(list([[ANNE, {}]], '"one"'));
  await bench.clock.advance(1);
  bench.says = undefined;
  await bench.clock.advance(60_000);
  assertEquals(await bench.tells(ANNE), "yes");
  assertEquals(await bench.tells(BERT), "no"); // an answer as good as the list
  assertEquals(bench.looks, [undefined, '"one"', '"one"']);
  assertEquals(bench.source.listAgeMs, 0);
});

Deno.test("ListedSource doesn't believe at once that all devices are gone", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench();
  await bench.clock.advance(1);
  bench.says = list([], '"none"');
  await bench.clock.advance(60_000);
  assertEquals(await bench.tells(ANNE), "yes");
  assertEquals(await bench.tells(BERT), "?");
  await bench.clock.advance(240_000);
  assertEquals(await bench.tells(ANNE), "yes");
  await bench.clock.advance(180_000);
  assertEquals(await bench.tells(ANNE), "no");
  const [warning] = log.matching("[warning]");
  assertStringIncludes(
    warning!,
    "hut lists no device at all, after 1 before; has it lost its data?",
  );
});

Deno.test("ListedSource takes an empty first list as it is", async () => {
  await using bench = new Bench(list([]));
  assertEquals(await bench.tells(ANNE), "no");
  assertEquals(bench.source.problem, undefined);
});

Deno.test("ListedSource logs when it fails and when it is back, each once", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench();
  await bench.clock.advance(1);
  bench.says = DOWN;
  await bench.clock.advance(600_000);
  bench.says = ANNES;
  await bench.clock.advance(600_000);
  const lines = log.lines.map((line) => line.replace(/^\S+ /, ""));
  assertEquals(lines, [
    "[info] admission: hut lists 1 device",
    "[warning] admission: No answer from hut; light a fire; its last list, 1 device, goes on to admit",
    "[info] admission: hut again lists 1 device",
  ]);
});

Deno.test("ListedSource.reload() looks at once, and says what it found", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench();
  await bench.clock.advance(1);
  await bench.source.reload();
  bench.says = DOWN;
  await bench.source.reload();
  await bench.source.reload();
  bench.says = ANNES;
  await bench.source.reload();
  assertEquals(bench.looks.length, 5);
  assertEquals(log.matching("No answer from hut").length, 2);
  assertEquals(
    log.matching("info").map((line) => line.replace(/^.*: /, "")),
    [
      "hut lists 1 device",
      "hut still lists 1 device",
      "hut again lists 1 device",
    ],
  );
});

Deno.test("ListedSource.close() ends a look that is under way", async () => {
  const bench = new Bench("nothing");
  const answer = assertRejects(() => bench.ask(ANNE), SourceError);
  await bench[Symbol.asyncDispose]();
  await answer;
  await assertRejects(() => bench.ask(ANNE), SourceError);
  assertEquals(bench.looks.length, 1);
});

Deno.test("expiryMs() knows how Go says never", () => {
  for (const never of [undefined, null, "", "0001-01-01T00:00:00Z"]) {
    assertEquals(expiryMs(never), Infinity);
  }
  assertEquals(expiryMs("2026-01-02T03:04:05Z"), 1_767_323_045_000);
  assertEquals(
    expiryMs("2026-01-02T03:04:05.123456789+01:00"),
    1_767_319_445_123,
  );
  for (const bad of ["soon", 5, {}]) assert(Number.isNaN(expiryMs(bad)));
});
