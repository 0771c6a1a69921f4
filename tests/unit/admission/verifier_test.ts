/** How several sources decide together. */
import type { Policy } from "../../../src/admission/policy.ts";
import type { SourceKind } from "../../../src/admission/source.ts";
import {
  Verifier,
  type VerifierOptions,
} from "../../../src/admission/verifier.ts";
import type { Verdict } from "../../../src/admission/admission.ts";
import { LogLimiter } from "../../../src/log/limited.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import {
  candidate,
  type FakeAnswer,
  FakeSource,
} from "../../support/fake_source.ts";

const HOUR_MS = 3_600_000;

function setUp(
  sources: FakeSource[],
  options: Partial<VerifierOptions> = {},
) {
  const clock = new FakeClock();
  const verifier = new Verifier({
    sources,
    policy: "each-kind",
    urlFailOpen: false,
    cacheTtlMs: 0,
    staleTtlMs: 0,
    clock,
    limiter: new LogLimiter(clock),
    ...options,
  });
  return { clock, verifier };
}

function fake(
  name: string,
  kind: SourceKind,
  answers: FakeAnswer = "admits",
): FakeSource {
  return new FakeSource(answers, { name, kind, canCheck: true });
}

/** Two tailscaleds and two URLs. */
function four(...answers: FakeAnswer[]): FakeSource[] {
  const kinds = { t1: "tailscaled", t2: "tailscaled", u1: "url", u2: "url" };
  return Object.entries(kinds).map(([name, kind], i) =>
    fake(name, kind as SourceKind, answers[i])
  );
}

/** What came out, in a word. */
function word(verdict: Verdict): string {
  if (verdict.allow) return `by ${verdict.by}`;
  return verdict.isClear ? "refused" : "can't tell";
}

const A = "admits";
const R = "refuses";
const U = "refuses unclearly";
const E = "errs";

/** Answers of the four, and the verdicts by policy. */
const TABLE: [answers: FakeAnswer[], Record<Policy, string>][] = [
  [[A, A, A, A], {
    "each-kind": "by t1 and u1",
    any: "by t1",
    all: "by t1 and t2 and u1 and u2",
  }],
  [[R, A, R, A], {
    "each-kind": "by t2 and u2",
    any: "by t2",
    all: "refused",
  }],
  [[E, A, E, A], {
    "each-kind": "by t2 and u2",
    any: "by t2",
    all: "can't tell",
  }],
  [[A, A, R, R], { "each-kind": "refused", any: "by t1", all: "refused" }],
  [[R, R, A, A], { "each-kind": "refused", any: "by u1", all: "refused" }],
  [[A, A, R, E], { "each-kind": "can't tell", any: "by t1", all: "refused" }],
  [[R, E, A, A], { "each-kind": "can't tell", any: "by u1", all: "refused" }],
  [[A, A, R, U], { "each-kind": "can't tell", any: "by t1", all: "refused" }],
  [[R, R, R, R], { "each-kind": "refused", any: "refused", all: "refused" }],
  [[R, R, R, E], { "each-kind": "refused", any: "can't tell", all: "refused" }],
  [[E, E, E, E], {
    "each-kind": "can't tell",
    any: "can't tell",
    all: "can't tell",
  }],
];

for (const [answers, expected] of TABLE) {
  for (const [policy, outcome] of Object.entries(expected)) {
    Deno.test(`Verifier with policy ${policy} of sources of which the ${answers.join(", the next ")}: ${outcome}`, async () => {
      const { verifier } = setUp(four(...answers), {
        policy: policy as Policy,
      });
      assertEquals(word(await verifier.admit(candidate(1))), outcome);
      assertEquals(word(await verifier.reverify(candidate(1))), outcome);
      const { verdict } = await verifier.explain(candidate(1));
      assertEquals(word(verdict), outcome);
    });
  }
}

Deno.test("Verifier.reverify() finds a clear refusal behind a source that can't tell; admit() doesn't ask so far", async () => {
  const sources = four(E, E, R, R);
  const { verifier } = setUp(sources);
  assertEquals(word(await verifier.admit(candidate(1))), "can't tell");
  assertEquals(sources[2]!.asked.length, 0);
  assertEquals(word(await verifier.reverify(candidate(1))), "refused");
});

Deno.test("Verifier.name says who verifies by which policy", () => {
  const name = (policy: Policy) => setUp(four(), { policy }).verifier.name;
  assertEquals(name("each-kind"), "(t1 or t2) and (u1 or u2)");
  assertEquals(name("any"), "t1 or t2 or u1 or u2");
  assertEquals(name("all"), "t1 and t2 and u1 and u2");
});

Deno.test("Verifier asks kinds one after another in derper's order, and no further than to a refusal", async () => {
  const url = fake("u", "url");
  const tailscaled = fake("t", "tailscaled", R);
  const { verifier } = setUp([url, tailscaled]);
  await verifier.admit(candidate(1));
  assertEquals([tailscaled.asked.length, url.asked.length], [1, 0]);
  tailscaled.answers = A;
  const verdict = await verifier.admit(candidate(1));
  assertEquals(verdict, { allow: true, by: "t and u", node: "node of t" });
});

Deno.test("Verifier asks sources of a kind at the same time: the first admission wins over one that hangs", async () => {
  const sources = [fake("t1", "tailscaled", "hangs"), fake("t2", "tailscaled")];
  const { verifier, clock } = setUp(sources);
  assertEquals(word(await verifier.admit(candidate(1))), "by t2");
  assertEquals(sources.map(({ asked }) => asked.length), [1, 1]);
  await clock.advance(5_000);
  assertEquals(clock.pending, 0);
});

Deno.test("Verifier shares 64 questions out among its sources, so that one that hangs starves none", async () => {
  const hanging = fake("t1", "tailscaled", "hangs");
  const good = fake("t2", "tailscaled");
  const { verifier, clock } = setUp([hanging, good]);
  const verdicts = Array.from(
    { length: 200 },
    (_, n) => verifier.admit(candidate(n)),
  );
  for (const verdict of verdicts) assertEquals(word(await verdict), "by t2");
  assertEquals([hanging.mostAtOnce, good.mostAtOnce], [32, 32]);
  await clock.advance(5_000);
  const alone = fake("t", "tailscaled");
  const { verifier: single } = setUp([alone]);
  await Promise.all(
    Array.from({ length: 200 }, (_, n) => single.admit(candidate(n))),
  );
  assertEquals(alone.mostAtOnce, 64);
});

Deno.test("Verifier gives the reasons and advice of all sources that refused together, each once", async () => {
  const { verifier } = setUp(four(R, E, A, A));
  assertEquals(await verifier.admit(candidate(1)), {
    allow: false,
    isClear: false,
    reason: "Unknown to t1; and t2 talks nonsense",
    advice: "add it to t1; and restart it",
  });
  const { verifier: failing } = setUp(four(E, E, A, A));
  const verdict = await failing.admit(candidate(1));
  assertEquals(verdict.allow ? "" : verdict.advice, "restart it");
});

Deno.test("Verifier lets in unverified, where it may, while a URL can't be reached, and says so once a minute", async () => {
  await using log = await CapturedLog.start();
  const url = fake("u", "url", "is unreachable");
  const { verifier, clock } = setUp([url], {
    urlFailOpen: true,
    cacheTtlMs: HOUR_MS,
    staleTtlMs: HOUR_MS,
  });
  const by = "by nobody, for u can't be reached";
  for (const n of [1, 1, 2]) {
    assertEquals(word(await verifier.admit(candidate(n))), by);
  }
  assertEquals(url.asked.length, 3, "nothing of it is remembered");
  assertEquals(verifier.states()[0]?.admitted, 0);
  const lines = () => log.matching("unverified");
  assertEquals(lines().length, 1);
  assertMatch(
    lines()[0]!,
    /admitted \[\S+\] from 192\.0\.2\.1 unverified: u is gone; -verify-client-url-fail-open=false would refuse$/,
  );
  await clock.advance(60_000);
  await verifier.admit(candidate(1));
  assertMatch(lines()[1]!, /the last of 2 in a minute/);
  const label = '{source="u",kind="url"}';
  const count = verifier.snapshot()[`counter_derper_verify_unverified${label}`];
  assertEquals(count, 4);
  url.answers = R;
  assertEquals(word(await verifier.admit(candidate(1))), "refused");
});

Deno.test("Verifier fails open neither for nonsense of a URL, nor for another kind, nor where it may not", async () => {
  for (
    const [kind, answers, urlFailOpen] of [
      ["url", "errs", true],
      ["tailscaled", "is unreachable", true],
      ["headscale", "is unreachable", true],
      ["url", "is unreachable", false],
    ] as const
  ) {
    const { verifier } = setUp([fake("x", kind, answers)], { urlFailOpen });
    assertEquals(word(await verifier.admit(candidate(1))), "can't tell", kind);
  }
});

Deno.test("Verifier prefers a source that admits to one that can't be reached", async () => {
  const urls = [fake("u1", "url", "is unreachable"), fake("u2", "url")];
  const { verifier } = setUp(urls, { urlFailOpen: true });
  assertEquals(word(await verifier.admit(candidate(1))), "by u2");
});

Deno.test("Verifier prefers its memory to letting in unverified", async () => {
  const url = fake("u", "url");
  const options = { urlFailOpen: true, staleTtlMs: HOUR_MS };
  const { verifier } = setUp([url], options);
  await verifier.admit(candidate(1));
  url.answers = "is unreachable";
  assertEquals(word(await verifier.admit(candidate(1))), "by u");
});

Deno.test("Verifier.explain() asks every source itself, whatever the others say", async () => {
  const sources = four(A, "hangs", R, A);
  const { verifier, clock } = setUp(sources, { cacheTtlMs: HOUR_MS });
  sources[1]!.answers = A;
  await verifier.admit(candidate(1));
  sources[0]!.answers = R;
  sources[1]!.answers = "hangs";
  const explained = verifier.explain(candidate(1));
  await clock.advance(5_000);
  const { verdict, sources: reports } = await explained;
  assertEquals(word(verdict), "can't tell");
  assertEquals(
    reports.map(({ name, kind, verdict, tookMs }) =>
      `${name} (${kind}): ${word(verdict)}, ${tookMs} ms`
    ),
    [
      "t1 (tailscaled): refused, 0 ms",
      "t2 (tailscaled): can't tell, 5000 ms",
      "u1 (url): refused, 0 ms",
      "u2 (url): by u2, 0 ms",
    ],
  );
});

Deno.test("Verifier.check() finds a problem only where the policy can't be satisfied", async () => {
  const problem = async (policy: Policy, ...answers: FakeAnswer[]) =>
    await setUp(four(...answers), { policy }).verifier.check();
  for (const policy of ["each-kind", "any", "all"] as const) {
    assertEquals(await problem(policy, A, A, A, A), undefined);
  }
  assertEquals(await problem("each-kind", E, A, A, E), undefined);
  assertEquals(
    await problem("each-kind", E, "is unreachable", A, A),
    "t1 talks nonsense; restart it; and t2 is gone; restart it",
  );
  assertEquals(await problem("any", E, E, A, E), undefined);
  assert(await problem("any", E, E, E, E) !== undefined);
  assertEquals(
    await problem("all", A, A, A, E),
    "u2 talks nonsense; restart it",
  );
});

Deno.test("Verifier.inspect() tells whether those it knows are welcome all the same", async () => {
  const [t, u] = [fake("t", "tailscaled"), fake("u", "url")];
  const { verifier, clock } = setUp([t, u], { staleTtlMs: HOUR_MS });
  assertEquals(await verifier.inspect(), {
    problem: undefined,
    admitsKnown: true,
  });
  t.answers = E;
  assert(!(await verifier.inspect()).admitsKnown);
  t.answers = A;
  await verifier.admit(candidate(1));
  for (const source of [t, u]) source.answers = "is unreachable";
  const { problem, admitsKnown } = await verifier.inspect();
  assertEquals([problem, admitsKnown], [
    "t is gone; restart it; and u is gone; restart it",
    true,
  ]);
  assert(verifier.runsOnMemory);
  await clock.advance(HOUR_MS);
  assert(!(await verifier.inspect()).admitsKnown);
  assert(!verifier.runsOnMemory);
});

Deno.test("Verifier.snapshot() has the counters and the histogram of each source", async () => {
  const slow = fake('slow "one"', "tailscaled", "hangs");
  const { verifier, clock } = setUp([slow, fake("u", "url")]);
  const refused = verifier.admit(candidate(1));
  await clock.advance(5_000);
  await refused;
  slow.answers = A;
  await verifier.admit(candidate(1));
  const label = String.raw`source="slow \"one\"",kind="tailscaled"`;
  const values = verifier.snapshot();
  const of = (name: string) => values[`${name}{${label}}`];
  assertEquals(of("counter_derper_verify_asked"), 2);
  assertEquals(of("counter_derper_verify_failed"), 1);
  assertEquals(of("counter_derper_verify_admitted"), 1);
  assertEquals(of("counter_derper_verify_refused"), 0);
  assertEquals(of("counter_derper_verify_cached"), 0);
  assertEquals(of("counter_derper_verify_unverified"), 0);
  assertEquals(
    of("gauge_derper_verify_last_success_unix_time"),
    Math.floor(clock.date().getTime() / 1000),
  );
  assertEquals(of("derper_verify_seconds_count"), 2);
  assertEquals(of("derper_verify_seconds_sum"), 5);
  assertEquals(values[`derper_verify_seconds_bucket{le="2.5",${label}}`], 1);
  assertEquals(values[`derper_verify_seconds_bucket{le="5",${label}}`], 2);
  assertEquals(
    values['counter_derper_verify_asked{source="u",kind="url"}'],
    1,
  );
});

Deno.test("Verifier.states() has one line for each source", async () => {
  const { verifier } = setUp([fake("t", "tailscaled"), fake("u", "url", E)]);
  await verifier.admit(candidate(1));
  assertEquals(
    verifier.states().map(({ name, state, lastError }) =>
      `${name} ${state} ${lastError}`
    ),
    ["t up undefined", "u down u talks nonsense"],
  );
});

Deno.test("Verifier.reload() and close() reach every source", async () => {
  const sources = four(A, "hangs", A, A);
  const { verifier, clock } = setUp(sources, { policy: "all" });
  await verifier.reload();
  assertEquals(sources.map(({ reloads }) => reloads), [1, 1, 1, 1]);
  const verdict = verifier.admit(candidate(1));
  await settle();
  await verifier.close();
  assertEquals(word(await verdict), "can't tell");
  assert(sources.every(({ isClosed }) => isClosed));
  assertEquals(clock.pending, 0);
});
