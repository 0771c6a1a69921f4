/** When certificates are renewed, and when a failed attempt is repeated. */
import {
  renewalGapMs,
  renewalTime,
  retryDelayMs,
} from "../../../src/certs/acme_schedule.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const START = new Date("2026-01-01T00:00:00Z");
const daysOn = (days: number) => new Date(START.getTime() + days * DAY_MS);
const LONG = { notBefore: START, notAfter: daysOn(90) };
const SHORT = { notBefore: START, notAfter: daysOn(6) };

Deno.test("renewalTime() is when a third of the lifetime is left, or up to a fiftieth earlier", () => {
  const at = (random: number) => renewalTime(LONG, { info: undefined, random });
  assertEquals(at(0), daysOn(60));
  assertEquals(at(0.5), daysOn(59.1));
  assertEquals(
    renewalTime(SHORT, { info: undefined, random: 0 }),
    daysOn(4),
  );
});

Deno.test("renewalTime() is within the suggested window, but neither at once nor too late", () => {
  const at = (start: number, end: number, random = 0.5) =>
    renewalTime(LONG, {
      info: {
        start: daysOn(start),
        end: daysOn(end),
        retryAfterMs: undefined,
      },
      random,
    });
  assertEquals(at(40, 50), daysOn(45));
  assertEquals(at(40, 50, 0), daysOn(40));
  assertEquals(at(-10, -5), daysOn(1));
  assertEquals(at(100, 200), daysOn(81));
});

Deno.test("renewalGapMs() is a tenth of the lifetime, a minute at least and a day at most", () => {
  assertEquals(renewalGapMs(LONG), DAY_MS);
  assertEquals(renewalGapMs(SHORT), 0.6 * DAY_MS);
  const second = { notBefore: START, notAfter: new Date(START.getTime() + 1) };
  assertEquals(renewalGapMs(second), 60_000);
});

Deno.test("retryDelayMs() grows from a minute to an hour, spread over 80 to 120 percent", () => {
  const minutes = [1, 2, 3, 4, 5, 6, 1000].map((failures) =>
    retryDelayMs(failures, { random: 0.5 }) / 60_000
  );
  assertEquals(minutes.map(Math.round), [1, 3, 9, 27, 60, 60, 60]);
  assertEquals(Math.round(retryDelayMs(1, { random: 0 })), 48_000);
  assert(retryDelayMs(1, { random: 0.999 }) < 72_000);
});

Deno.test("retryDelayMs() is no shorter than the server wants it", () => {
  const atLeastMs = 7 * HOUR_MS;
  assertEquals(retryDelayMs(1, { random: 0.5, atLeastMs }), atLeastMs);
  assert(retryDelayMs(9, { random: 0.5, atLeastMs: 1000 }) > HOUR_MS / 2);
});
