/** Warnings of a certificate's end. */
import { ExpiryWatch } from "../../../src/certs/expiry_watch.ts";
import { ServedCertificate } from "../../../src/certs/provider.ts";
import { assertEquals, assertStringIncludes } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** One that was made `livedMs` ago and has `leftMs` to go. */
function certificate(
  clock: FakeClock,
  { leftMs, livedMs = 90 * DAY_MS }: { leftMs: number; livedMs?: number },
): ServedCertificate {
  const nowMs = clock.date().getTime();
  return new ServedCertificate({
    names: ["derp.test"],
    notBefore: new Date(nowMs - livedMs),
    notAfter: new Date(nowMs + leftMs),
    sha256: "00".repeat(32),
    selfSigned: false,
    chainLength: 1,
  }, { cert: "", key: "" });
}

/** A watch with what it logs and reports; starts with `source.current`. */
async function watched(current: (clock: FakeClock) => ServedCertificate) {
  const clock = new FakeClock();
  const log = await CapturedLog.start();
  const source: { current: ServedCertificate | undefined } = {
    current: current(clock),
  };
  const reports: (string | undefined)[] = [];
  const told: (string | undefined)[] = [];
  const watch = new ExpiryWatch({
    source,
    clock,
    remedy: "renew it",
    report: (problem) => reports.push(problem),
    tell: (text) => told.push(text),
  });
  watch.start();
  return {
    clock,
    log,
    source,
    reports,
    told,
    watch,
    async [Symbol.asyncDispose]() {
      watch.close();
      assertEquals(clock.pending, 0);
      await log[Symbol.asyncDispose]();
    },
  };
}

Deno.test("ExpiryWatch is silent until 14 days are left, then has a line a day", async () => {
  await using test = await watched((clock) =>
    certificate(clock, { leftMs: 16 * DAY_MS })
  );
  const { clock, log, watch } = test;
  assertEquals(watch.daysLeft, 16);
  await clock.advance(2 * DAY_MS - 1);
  assertEquals(log.lines, []);
  await clock.advance(1);
  assertEquals(log.lines.length, 1);
  assertStringIncludes(
    log.lines[0]!,
    "the certificate expires in 14 days, on 2026-01-18T03:04:05.000Z: renew it",
  );
  await clock.advance(3 * DAY_MS);
  assertEquals(log.matching("expires in").length, 4);
  assertStringIncludes(log.lines[3]!, "expires in 11 days");
});

Deno.test("ExpiryWatch says at once that a certificate has expired, reports it, and repeats it once a day", async () => {
  await using test = await watched((clock) =>
    certificate(clock, { leftMs: 90_000 })
  );
  const { clock, log, watch, reports } = test;
  await clock.advance(90_000);
  assertEquals([watch.daysLeft, log.matching("expired on")], [0, []]);
  assertEquals(new Set(reports), new Set([undefined]));
  await clock.advance(1);
  assertEquals([watch.daysLeft, log.matching("expired on").length], [-1, 1]);
  assertEquals(
    reports.at(-1),
    "the certificate expired on 2026-01-02T03:05:35.000Z",
  );
  await clock.advance(2 * DAY_MS);
  assertEquals(log.matching("expired on").length, 3);
});

Deno.test("ExpiryWatch.start() again takes a new certificate's word for it", async () => {
  await using test = await watched((clock) =>
    certificate(clock, { leftMs: -1 })
  );
  const { clock, log, watch, reports, source } = test;
  assertEquals(reports.length, 1);
  source.current = certificate(clock, { leftMs: 90 * DAY_MS });
  watch.start();
  assertEquals([watch.daysLeft, reports.at(-1)], [90, undefined]);
  await clock.advance(2 * DAY_MS);
  assertEquals(log.lines.length, 1);
});

Deno.test("ExpiryWatch warns of a certificate for six days in its last quarter only", async () => {
  await using test = await watched((clock) =>
    certificate(clock, { leftMs: 6 * DAY_MS, livedMs: 0 })
  );
  const { clock, log } = test;
  await clock.advance(4.5 * DAY_MS - 1);
  assertEquals(log.lines, []);
  await clock.advance(1);
  assertStringIncludes(log.lines[0]!, "expires in");
});

Deno.test("ExpiryWatch waits for the first certificate", async () => {
  await using test = await watched((clock) =>
    certificate(clock, { leftMs: 0 })
  );
  const { clock, log, watch, source } = test;
  source.current = undefined;
  await clock.advance(DAY_MS);
  assertEquals([watch.daysLeft, log.lines.length], [undefined, 1]);
});

Deno.test("ExpiryWatch tells clients a week before the end, in words that stay the same, and when it has come", async () => {
  await using test = await watched((clock) =>
    certificate(clock, { leftMs: 16 * DAY_MS })
  );
  const { clock, told, source, watch } = test;
  await clock.advance(9 * DAY_MS - 1);
  assertEquals(new Set(told), new Set([undefined]));
  told.length = 0;
  await clock.advance(7 * DAY_MS);
  assertEquals(
    new Set(told),
    new Set(["its certificate expires on 2026-01-18"]),
  );
  await clock.advance(2);
  assertEquals(told.at(-1), "its certificate expired on 2026-01-18");
  source.current = certificate(clock, { leftMs: 90 * DAY_MS });
  watch.start();
  assertEquals(told.at(-1), undefined);
});

Deno.test("ExpiryWatch tells clients of a certificate for six days in its last eighth only", async () => {
  await using test = await watched((clock) =>
    certificate(clock, { leftMs: 6 * DAY_MS, livedMs: 0 })
  );
  const { clock, told } = test;
  await clock.advance(5.25 * DAY_MS - 1);
  assertEquals(new Set(told), new Set([undefined]));
  await clock.advance(1);
  assertEquals(told.at(-1), "its certificate expires on 2026-01-08");
});
