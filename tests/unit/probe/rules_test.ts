/** The arithmetic of the checks: days left, addresses that can't be ours, medians, deadlines, URLs. */
import { Budget, NoAnswerError } from "../../../src/probe/budget.ts";
import { explain } from "../../../src/probe/failure.ts";
import { median } from "../../../src/probe/median.ts";
import { judgeAnswer } from "../../../src/probe/stun_check.ts";
import {
  hostHeader,
  parsePin,
  parsePlace,
  urlOf,
} from "../../../src/probe/target.ts";
import { endRow } from "../../../src/probe/tls_check.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
} from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const NOW = new Date("2026-06-01T12:00:00Z");

function days(from: number, to: number) {
  const at = (n: number) => new Date(NOW.getTime() + n * 86_400_000);
  return endRow({ notBefore: at(from), notAfter: at(to) }, NOW);
}

Deno.test("endRow() warns from 14 days before the end, or a quarter of a short life", () => {
  assertEquals(days(-60, 30).status, "ok");
  assertEquals(days(-60, 30).measured, { daysLeft: 30 });
  assertEquals(days(-76, 14).status, "ok");
  assertEquals(days(-77, 13.9).status, "warn");
  assertEquals(days(-77, 13.9).seen, "13 days left, until 2026-06-15");
  assertEquals(days(-3, 3).status, "ok");
  assertEquals(days(-5, 1).status, "warn");
  assertEquals(days(-90, -0.1).status, "FAIL");
  assertEquals(days(1, 90).status, "FAIL");
});

Deno.test("judgeAnswer() fails where a relay on the internet sees a private address", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["9.9.9.9", "8.8.8.8", "ok"],
    ["9.9.9.9", "172.17.0.1", "FAIL"],
    ["9.9.9.9", "127.0.0.1", "FAIL"],
    ["127.0.0.1", "127.0.0.1", "ok"],
    ["192.168.1.2", "192.168.1.7", "ok"],
    ["192.168.1.2", "127.0.0.1", "FAIL"],
    ["2606:4700::1", "fd00::1", "FAIL"],
    ["2606:4700::1", "2a00:1450::1", "ok"],
    ["::1", "::1", "ok"],
  ];
  for (const [server, ip, status] of cases) {
    const row = judgeAnswer("STUN", server, { ip, port: 1, roundTripMs: 2.34 });
    assertEquals(row.status, status, `${ip} from ${server}`);
    assertMatch(row.seen, /in 2.3 ms$/);
  }
});

Deno.test("median() is the middle one, or between the middle two", () => {
  assertEquals(median([5, 1, 100]), 5);
  assertEquals(median([10, 1, 9, 2]), 5.5);
  assertEquals(median([10]), 10);
  assert(Number.isNaN(median([])));
});

Deno.test("Budget.within() ends each step, and all of them, in time", async () => {
  const clock = new FakeClock();
  const budget = new Budget(clock, { stepMs: 3_000, totalMs: 5_000 });
  const aborted: number[] = [];
  const never = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => aborted.push(clock.nowMs()));
    return new Promise<never>(() => {});
  };
  for (let step = 0; step < 2; step++) {
    const rejected = assertRejects(
      () => budget.within(never),
      NoAnswerError,
      "no answer within 3 s",
    );
    await clock.advance(3_000);
    await rejected;
  }
  assertEquals(aborted, [3_000, 5_000]);
});

Deno.test("Budget.within() leaves no timer behind, and prefers the deadline to what it causes", async () => {
  const clock = new FakeClock();
  const budget = new Budget(clock, { stepMs: 100, totalMs: 1_000 });
  assertEquals(await budget.within(() => Promise.resolve(7)), 7);
  assertEquals(clock.pending, 0);
  await assertRejects(
    () => budget.within(() => Promise.reject(new TypeError("x"))),
    TypeError,
  );
  assertEquals(clock.pending, 0);
  const rejected = assertRejects(
    () =>
      budget.within((signal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new TypeError("y")))
        )
      ),
    NoAnswerError,
  );
  await clock.advance(100);
  await rejected;
});

Deno.test("parsePlace() takes a host, a port and nothing else", () => {
  const good: readonly (readonly [string, string, string])[] = [
    [
      "https://derp.example.com",
      "derp.example.com",
      "https://derp.example.com",
    ],
    ["https://a.test:8443/", "a.test:8443", "https://a.test:8443"],
    ["https://a.test/derp", "a.test", "https://a.test"],
    ["HTTPS://A.test:443", "a.test", "https://a.test"],
    ["http://a.test:3340", "a.test:3340", "http://a.test:3340"],
    [
      "https://[2001:db8::1]:8443",
      "[2001:db8::1]:8443",
      "https://[2001:db8::1]:8443",
    ],
    ["https://[2001:db8::1]", "[2001:db8::1]", "https://[2001:db8::1]"],
  ];
  for (const [text, host, url] of good) {
    const place = parsePlace(text);
    assert(typeof place !== "string", text);
    assertEquals(hostHeader(place), host);
    assertEquals(urlOf(place), url);
  }
  const bad = [
    "derp.example.com",
    "ftp://a.test",
    "https://",
    "https://a.test/x",
    "https://a.test?x",
    "https://a.test:0",
    "https://a.test:70000",
  ];
  for (const text of bad) {
    const mistake = parsePlace(text);
    assert(typeof mistake === "string", text);
    assert(mistake.includes(JSON.stringify(text)), mistake);
  }
  assertEquals(
    parsePlace("https://user:secret@a.test"),
    "Invalid URL: leave out what is before the @",
  );
});

Deno.test("parsePin() takes what a DERP map has", () => {
  const digits = "0123456789abcdef".repeat(4);
  assertEquals(parsePin(`sha256-raw:${digits}`), digits);
  assertEquals(parsePin(`sha256-raw:${digits.toUpperCase()}`), digits);
  for (const text of ["", digits, "sha256-raw:00", "derp.example.com"]) {
    assertEquals(parsePin(text), undefined);
  }
});

Deno.test("explain() has words for what the runtime says", () => {
  const invalid = (why: string) =>
    Object.assign(new Error(`invalid peer certificate: ${why}`), {
      name: "InvalidData",
    });
  const cases: readonly (readonly [unknown, RegExp, RegExp])[] = [
    [new NoAnswerError("no answer within 3 s"), /no answer/, /firewall/],
    [new Deno.errors.ConnectionRefused("x"), /^refused$/, /listens on TCP/],
    [new Error("y (os error 101)"), /no route/, /address/],
    [invalid("UnknownIssuer"), /nobody whom clients trust/, /fullchain/],
    [invalid("Expired"), /expired/, /renew/],
    [invalid("NotValidForName"), /other names/, /name/],
    [invalid("CaUsedAsEndEntity"), /authority/, /CA:FALSE/],
    [
      Object.assign(new Error("received fatal alert: HandshakeFailure"), {
        name: "InvalidData",
      }),
      /HandshakeFailure/,
      /certificate/,
    ],
    [new Deno.errors.ConnectionReset("z"), /was closed/, /TLS/],
    ["odd", /^odd$/, /relay/],
  ];
  for (const [error, seen, advice] of cases) {
    const failure = explain(error, "TCP port 443");
    assertMatch(failure.seen, seen);
    assertMatch(failure.advice, advice);
    assert(!/\n/.test(failure.seen + failure.advice));
  }
});
