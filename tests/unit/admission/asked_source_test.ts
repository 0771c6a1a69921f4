/** How one source is asked: bounds, deadlines, memory, and what is told of its state. */
import type { Candidate } from "../../../src/admission/admission.ts";
import {
  AskedSource,
  type AskedSourceOptions,
  type Finding,
} from "../../../src/admission/asked_source.ts";
import { LISTED_KINDS } from "../../../src/admission/source.ts";
import { LogLimiter } from "../../../src/log/limited.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { candidate, failure, FakeSource } from "../../support/fake_source.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function setUp(options: Partial<AskedSourceOptions> = {}) {
  const clock = new FakeClock();
  const fake = options.source as FakeSource ?? new FakeSource();
  const source = new AskedSource({
    clock,
    limiter: new LogLimiter(clock),
    slots: 64,
    cacheTtlMs: 0,
    staleTtlMs: 0,
    ...options,
    source: fake,
  });
  return { clock, fake, source };
}

type Refusal = Extract<Finding, { allow: false }>;

/** What came out, in a word. */
function word(finding: Finding): string {
  if (finding.allow) return "admitted";
  return finding.isClear ? "refused" : "can't tell";
}

async function ask(source: AskedSource, n = 1): Promise<string> {
  return word(await source.ask(candidate(n)));
}

Deno.test("AskedSource tells by whom a node is admitted, and what it is called", async () => {
  const { source } = setUp();
  assertEquals(await source.ask(candidate(1)), {
    allow: true,
    by: "fake",
    node: "node of fake",
  });
});

Deno.test("AskedSource passes a refusal on, clear or not", async () => {
  const { source, fake } = setUp();
  fake.answers = "refuses";
  const text = { reason: "Unknown to fake", advice: "add it to fake" };
  const clear = { allow: false, isClear: true, ...text } as const;
  assertEquals(await source.ask(candidate(1)), clear);
  fake.answers = "refuses unclearly";
  assertEquals(await ask(source), "can't tell");
});

Deno.test("AskedSource can't tell while the source fails, and says why", async () => {
  const { source, fake } = setUp();
  for (const isUnreachable of [true, false]) {
    fake.answers = isUnreachable ? "is unreachable" : "errs";
    assertEquals(await source.ask(candidate(1)), {
      allow: false,
      isClear: false,
      reason: isUnreachable ? "fake is gone" : "fake talks nonsense",
      advice: "restart it",
      isUnreachable,
    });
  }
  fake.answers = "breaks";
  const finding = await source.ask(candidate(1));
  assert(!finding.allow && !finding.isClear && !finding.isUnreachable);
  assertEquals(finding.reason, "Cannot ask fake: broken");
});

Deno.test("AskedSource puts one question per key at a time, and another later", async () => {
  const { source, fake } = setUp();
  const answers = [1, 1, 2, 1].map((n) => ask(source, n));
  assertEquals(await Promise.all(answers), Array(4).fill("admitted"));
  assertEquals(fake.asked.length, 2);
  await ask(source);
  assertEquals(fake.asked.length, 3);
});

Deno.test("AskedSource puts as many questions at a time as it has slots, the rest later", async () => {
  const { source, fake, clock } = setUp({ slots: 3 });
  const answers = Array.from({ length: 10 }, (_, n) => ask(source, n));
  assertEquals(await Promise.all(answers), Array(10).fill("admitted"));
  assertEquals(fake.mostAtOnce, 3);
  assertEquals(clock.pending, 0);
});

Deno.test("AskedSource gives each question 5 s", async () => {
  const { source, fake, clock } = setUp();
  fake.answers = "hangs";
  const finding = source.ask(candidate(1));
  await clock.advance(4_999);
  assertEquals(await Promise.race([finding, "pending"]), "pending");
  await clock.advance(1);
  const { allow, reason, isUnreachable } = await finding as Refusal;
  assertEquals([allow, reason, isUnreachable], [false, "fake is slow", true]);
  assertEquals(clock.pending, 0);
});

/** Answers when told to, whatever the deadline says. */
class StubbornSource extends FakeSource {
  readonly questions: (() => void)[] = [];

  override async ask(candidate: Candidate, signal: AbortSignal) {
    await new Promise<void>((resolve) => this.questions.push(resolve));
    return await super.ask(candidate, signal);
  }
}

Deno.test("AskedSource counts the wait for a slot as part of the 5 s, and as nothing heard", async () => {
  const stubborn = new StubbornSource();
  const { source, clock } = setUp({ source: stubborn, slots: 1 });
  const first = ask(source, 1);
  const waiting = source.ask(candidate(2));
  await clock.advance(5_000);
  const { isClear, reason, isUnreachable } = await waiting as Refusal;
  assertEquals(reason, "Too many questions to fake at a time");
  assertEquals([isClear, isUnreachable], [false, true]);
  assertEquals([source.status.state, source.metrics.failed], ["unknown", 0]);
  stubborn.questions[0]!();
  assertEquals(await first, "admitted");
});

Deno.test("AskedSource that answers others isn't unreachable for who waits in vain", async () => {
  const stubborn = new StubbornSource();
  const { source, clock } = setUp({ source: stubborn, slots: 1 });
  const first = ask(source, 1);
  const second = ask(source, 2);
  const waiting = source.ask(candidate(3));
  await clock.advance(3_000);
  stubborn.questions[0]!();
  assertEquals(await first, "admitted");
  await clock.advance(2_000);
  assert(!(await waiting as Refusal).isUnreachable);
  stubborn.questions[1]!();
  await second;
});

Deno.test("AskedSource that answers others isn't unreachable for who gets a slot too late", async () => {
  const stubborn = new StubbornSource();
  const { source, clock } = setUp({ source: stubborn, slots: 1 });
  const answers = [1, 2].map((n) => source.ask(candidate(n)));
  await clock.advance(4_000);
  stubborn.questions[0]!();
  assert((await answers[0])!.allow);
  await settle();
  stubborn.answers = "hangs";
  stubborn.questions[1]!();
  await clock.advance(1_000);
  const { reason, isClear, isUnreachable } = await answers[1] as Refusal;
  assertEquals(reason, "Too many questions to fake at a time");
  assertEquals([isClear, isUnreachable], [false, false]);
  assertEquals([source.status.state, source.metrics.failed], ["up", 1]);
});

Deno.test("AskedSource that answers nobody is unreachable for who gets a slot late, too", async () => {
  const { source, fake, clock } = setUp({ slots: 1 });
  fake.answers = "hangs";
  const first = source.ask(candidate(1));
  await clock.advance(3_000);
  const late = source.ask(candidate(2));
  await clock.advance(5_000);
  for (const answer of [first, late]) {
    const { reason, isUnreachable } = await answer as Refusal;
    assertEquals([reason, isUnreachable], ["fake is slow", true]);
  }
  assertEquals(source.status.state, "down");
});

Deno.test("AskedSource lets who is known pass by strangers for whom all slots are taken", async () => {
  const fake = new FakeSource("hangs", { kind: "headscale" });
  const known = candidate(1).key.toString();
  const knowing = Object.assign(fake, {
    known: ({ key }: Candidate) =>
      key.toString() === known ? { admitted: true } as const : undefined,
  });
  const { source, clock } = setUp({ source: knowing, slots: 1 });
  const strangers = [2, 3].map((n) => ask(source, n));
  assertEquals(await ask(source, 1), "admitted");
  assertEquals([fake.asked.length, source.metrics.asked], [1, 2]);
  await clock.advance(5_000);
  assertEquals(await Promise.all(strangers), Array(2).fill("can't tell"));
  await source.close();
  assertEquals(await ask(source, 1), "can't tell");
});

Deno.test("AskedSource gives slots to addresses in turn", async () => {
  const { source, fake } = setUp({ slots: 1 });
  const member = { ...candidate(0), ip: "192.0.2.7" };
  const strangers = Array.from({ length: 2_000 }, (_, n) => ask(source, n + 1));
  assertEquals(word(await source.ask(member)), "admitted");
  assert(fake.asked.indexOf(member.key.toString()) < 5);
  await Promise.all(strangers);
});

Deno.test("AskedSource refuses at once when 1,024 wait for a slot", async () => {
  const { source, fake, clock } = setUp({ slots: 1 });
  fake.answers = "hangs";
  const answers = Array.from({ length: 1_025 }, (_, n) => ask(source, n));
  const finding = await source.ask(candidate(2_000));
  assert(!finding.allow && !finding.isClear && !finding.isUnreachable);
  assertMatch(finding.reason, /^Too many questions/);
  await clock.advance(5_000);
  assertEquals(await Promise.all(answers), Array(1_025).fill("can't tell"));
});

Deno.test("AskedSource asks again each time where nothing is to be remembered", async () => {
  const { source, fake } = setUp();
  await ask(source);
  fake.answers = "refuses";
  assertEquals(await ask(source), "refused");
  fake.answers = "is unreachable";
  assertEquals(await ask(source), "can't tell");
  assertEquals(fake.asked.length, 3);
});

Deno.test("AskedSource answers from its cache until that is too old", async () => {
  const { source, fake, clock } = setUp({ cacheTtlMs: 5 * MINUTE_MS });
  await ask(source);
  fake.answers = "refuses";
  await clock.advance(5 * MINUTE_MS - 1);
  assertEquals(await source.ask(candidate(1)), {
    allow: true,
    by: "fake",
    node: "node of fake",
  });
  assertEquals(fake.asked.length, 1);
  await clock.advance(1);
  assertEquals(await ask(source), "refused");
});

Deno.test("AskedSource remembers a refusal for 10 s", async () => {
  const { source, fake, clock } = setUp({ cacheTtlMs: 5 * MINUTE_MS });
  fake.answers = "refuses";
  await ask(source);
  fake.answers = "admits";
  await clock.advance(9_999);
  assertEquals(await ask(source), "refused");
  await clock.advance(1);
  assertEquals(await ask(source), "admitted");
  assertEquals(fake.asked.length, 2);
});

Deno.test("AskedSource caches no failure", async () => {
  const { source, fake } = setUp({ cacheTtlMs: 5 * MINUTE_MS });
  fake.answers = "errs";
  await ask(source);
  fake.answers = "admits";
  assertEquals(await ask(source), "admitted");
});

for (const kind of LISTED_KINDS) {
  Deno.test(`AskedSource keeps no cache of a list (${kind})`, async () => {
    const fake = new FakeSource("admits", { kind });
    const { source } = setUp({ source: fake, cacheTtlMs: HOUR_MS });
    await ask(source);
    fake.answers = "refuses";
    assertEquals(await ask(source), "refused");
    fake.answers = "admits";
    assertEquals(await ask(source), "admitted");
  });
}

Deno.test("AskedSource.askAnew() asks in spite of what it remembers", async () => {
  const ttls = { cacheTtlMs: HOUR_MS, staleTtlMs: HOUR_MS };
  const { source, fake } = setUp(ttls);
  await ask(source);
  fake.answers = "is unreachable";
  assertEquals(word(await source.askAnew(candidate(1))), "can't tell");
  assertEquals(await ask(source), "admitted");
  fake.answers = "refuses";
  assertEquals(word(await source.askAnew(candidate(1))), "refused");
  assertEquals(await ask(source), "refused"); // and it remembers that
});

Deno.test("AskedSource admits those it knows while the source fails, and nobody else", async () => {
  const { source, fake, clock } = setUp({ staleTtlMs: HOUR_MS });
  await ask(source, 1);
  for (const answers of ["is unreachable", "errs", "hangs"] as const) {
    fake.answers = answers;
    const known = ask(source, 1);
    const stranger = ask(source, 2);
    await clock.advance(5_000);
    assertEquals([await known, await stranger], ["admitted", "can't tell"]);
    fake.answers = "admits";
    await ask(source, 3); // up again
  }
});

Deno.test("AskedSource admits who is known no longer than that counts", async () => {
  const { source, fake, clock } = setUp({ staleTtlMs: HOUR_MS });
  await ask(source);
  fake.answers = "is unreachable";
  await clock.advance(HOUR_MS - 1);
  assertEquals(await ask(source), "admitted");
  assert(source.knowsSomeone);
  await clock.advance(1);
  assertEquals(await ask(source), "can't tell");
  assert(!source.knowsSomeone);
});

for (const refuses of ["refuses", "refuses unclearly"] as const) {
  Deno.test(`AskedSource that ${refuses} a node once admits it no longer from memory`, async () => {
    const { source, fake } = setUp({ staleTtlMs: HOUR_MS });
    await ask(source);
    fake.answers = refuses;
    await ask(source);
    fake.answers = "is unreachable";
    assertEquals(await ask(source), "can't tell");
  });
}

Deno.test("AskedSource that is down answers at once from memory, and finds out by one question at a time that it is back", async () => {
  const { source, fake, clock } = setUp({ staleTtlMs: HOUR_MS });
  for (const n of [1, 2, 3]) await ask(source, n);
  fake.answers = "hangs";
  const first = ask(source, 1);
  await clock.advance(5_000);
  assertEquals(await first, "admitted");
  assertEquals(source.status.state, "down");
  fake.asked.length = 0;
  const now = clock.nowMs();
  for (const n of [2, 3, 1]) assertEquals(await ask(source, n), "admitted");
  assertEquals([clock.nowMs() - now, fake.asked.length], [0, 1]);
  await clock.advance(5_000); // that question has failed as well
  fake.answers = "admits";
  assertEquals(await ask(source, 2), "admitted");
  await settle();
  assertEquals([source.status.state, fake.asked.length], ["up", 2]);
});

Deno.test("AskedSource that is down still asks about those it doesn't know", async () => {
  const { source, fake } = setUp({ staleTtlMs: HOUR_MS });
  fake.answers = "is unreachable";
  await ask(source, 1);
  fake.answers = "admits";
  assertEquals(await ask(source, 2), "admitted");
  assertEquals(source.status.state, "up");
});

Deno.test("AskedSource logs each change of its state once, with reason and advice", async () => {
  await using log = await CapturedLog.start();
  const { source, fake } = setUp();
  await ask(source);
  assertEquals(log.lines, []);
  fake.answers = "is unreachable";
  for (const n of [1, 2, 3]) await ask(source, n);
  fake.answers = "errs"; // for another reason, but still
  await ask(source);
  assertEquals(log.lines.length, 1);
  assertMatch(
    log.lines[0]!,
    /\[warning\] admission: fake can't verify clients: fake is gone; restart it$/,
  );
  fake.answers = "refuses";
  for (const n of [1, 2]) await ask(source, n);
  assertEquals(log.lines.length, 2);
  assertMatch(log.lines[1]!, /\[info\] admission: fake answers again$/);
});

Deno.test("AskedSource whose source fails every other time has ten lines a minute, and one for the rest", async () => {
  await using log = await CapturedLog.start();
  const { clock, source, fake } = setUp();
  for (let n = 0; n < 50; n++) {
    fake.answers = n % 2 === 0 ? "is unreachable" : "admits";
    await ask(source, n);
  }
  assertEquals(log.lines.length, 10);
  await clock.advance(MINUTE_MS);
  assertEquals(log.lines.length, 11);
  assertMatch(
    log.lines[10]!,
    /fake answers again \(the last of 40 in a minute\)$/,
  );
});

Deno.test("AskedSource leaves it to lists to log what keeps them from being renewed", async () => {
  await using log = await CapturedLog.start();
  const fake = new FakeSource("is unreachable", {
    kind: "headscale",
    canCheck: true,
  });
  const { source } = setUp({ source: fake });
  await ask(source); // a stranger, about whom an old list can't tell
  assertEquals(source.status.state, "unknown");
  await source.check();
  assertEquals(source.status.state, "down");
  fake.answers = "admits";
  await ask(source);
  assertEquals([source.status.state, log.lines.length], ["up", 0]);
});

Deno.test("AskedSource.check() finds what keeps the source from answering, and shares the answer", async () => {
  const fake = new FakeSource("errs", { canCheck: true });
  const { source, clock } = setUp({ source: fake });
  const [a, b] = await Promise.all([source.check(), source.check()]);
  assertEquals(a?.message, "fake talks nonsense");
  assertEquals(a, b);
  assertEquals(source.status.state, "down");
  fake.answers = "hangs";
  const checked = source.check();
  await clock.advance(5_000);
  assertEquals((await checked)?.message, "fake is slow");
  fake.answers = "admits";
  assertEquals(await source.check(), undefined);
  assertEquals([source.status.state, clock.pending], ["up", 0]);
  assertEquals(source.metrics.asked, 0, "no client asked");
});

Deno.test("AskedSource.check() takes a source that can't be tried to be fine", async () => {
  const { source, fake } = setUp();
  fake.answers = "errs";
  await ask(source);
  assertEquals(await source.check(), undefined);
});

Deno.test("AskedSource.check() finds a source down whose questions all hang", async () => {
  const fake = new FakeSource("hangs", { canCheck: true });
  const { source, clock } = setUp({ source: fake, slots: 1 });
  const asked = ask(source);
  const checked = source.check();
  await clock.advance(5_000);
  await asked;
  assertEquals((await checked)?.message, "fake is slow");
});

Deno.test("AskedSource.status tells since when and why", async () => {
  const { source, fake, clock } = setUp();
  const start = clock.date();
  assertEquals(source.status.state, "unknown");
  await clock.advance(MINUTE_MS);
  fake.answers = "is unreachable";
  await ask(source);
  await clock.advance(MINUTE_MS);
  await ask(source);
  const { state, since, lastError, asked, failed } = source.status;
  assertEquals({ state, lastError, asked, failed }, {
    state: "down",
    lastError: "fake is gone",
    asked: 2,
    failed: 2,
  });
  assertEquals(since.getTime() - start.getTime(), MINUTE_MS);
  fake.answers = "admits";
  await ask(source);
  assertEquals(source.status.lastError, undefined);
  fake.problem = "the file is broken";
  assertEquals(source.status.lastError, "the file is broken");
});

Deno.test("AskedSource.runsOnMemory tells whether anybody is welcome for that alone", async () => {
  const { source, fake } = setUp({ staleTtlMs: HOUR_MS });
  fake.answers = "is unreachable";
  await ask(source);
  assert(!source.runsOnMemory, "it knows nobody");
  fake.answers = "admits";
  await ask(source);
  assert(!source.runsOnMemory, "it answers");
  fake.answers = "is unreachable";
  await ask(source);
  assert(source.runsOnMemory);
  fake.answers = "admits";
  await ask(source, 2);
  fake.problem = failure("no new list", { isUnreachable: true });
  assert(source.runsOnMemory);
});

Deno.test("AskedSource.close() ends questions, is not taken for a failure, and answers no more", async () => {
  await using log = await CapturedLog.start();
  const fake = new FakeSource("hangs", { canCheck: true });
  const { source, clock } = setUp({ source: fake, slots: 2 });
  const answers = [1, 2, 3].map((n) => source.ask(candidate(n)));
  const checked = source.check();
  await settle();
  await source.close();
  for (const answer of answers) {
    const finding = await answer;
    assert(!finding.allow && !finding.isClear && !finding.isUnreachable);
    assertMatch(finding.reason, /^The relay stops/);
  }
  assertEquals(await checked, undefined);
  assertEquals(await ask(source, 4), "can't tell");
  assert(fake.isClosed);
  assertEquals([log.lines.length, clock.pending, fake.asked.length], [0, 0, 2]);
});

Deno.test("AskedSource counts", async () => {
  const ttls = { cacheTtlMs: MINUTE_MS, staleTtlMs: HOUR_MS };
  const { source, fake, clock } = setUp(ttls);
  const { metrics } = source;
  const counted = () => {
    const { asked, failed, admitted, refused, cached } = metrics;
    return { asked, failed, admitted, refused, cached };
  };
  await ask(source, 1);
  await ask(source, 1); // cached
  fake.answers = "refuses";
  await ask(source, 2);
  const lastMs = clock.date().getTime();
  assertEquals(metrics.lastSuccessUnixTime, Math.floor(lastMs / 1000));
  await clock.advance(MINUTE_MS);
  fake.answers = "is unreachable";
  await ask(source, 1); // by memory, after a question
  await ask(source, 3);
  assertEquals(metrics.lastSuccessUnixTime, Math.floor(lastMs / 1000));
  assertEquals(counted(), {
    asked: 4,
    failed: 2,
    admitted: 3,
    refused: 1,
    cached: 2,
  });
  await source.askAnew(candidate(1)); // no client waits for that
  assertEquals(counted(), {
    asked: 5,
    failed: 3,
    admitted: 3,
    refused: 1,
    cached: 2,
  });
});
