/** The last hour of the totals, and its charts. */
import { renderChart } from "../../../../src/debug/status/chart.ts";
import {
  History,
  SAMPLE_MS,
  SAMPLES,
  type Totals,
} from "../../../../src/debug/status/history.ts";
import { Ring } from "../../../../src/debug/status/ring.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../../../support/assert.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

Deno.test("Ring keeps the newest, in order", () => {
  const ring = new Ring(3);
  assertEquals([ring.last, ...ring], [undefined]);
  for (let value = 1; value <= 5; value++) {
    ring.push(value);
    assertEquals(ring.last, value);
    assertEquals(
      [...ring],
      [1, 2, 3, 4, 5].slice(Math.max(0, value - 3), value),
    );
    assertEquals(ring.size, Math.min(value, 3));
  }
});

Deno.test("History keeps gauges as they are and counters per second, for an hour", async () => {
  const clock = new FakeClock();
  const totals = {
    connections: 0,
    homes: 0,
    receivedBytes: 1000, // of before it began
    sentBytes: 0,
    droppedPackets: 0,
    stunAnswers: 0,
  } satisfies Totals;
  const history = new History(clock, () => ({ ...totals }));
  for (let i = 1; i <= SAMPLES + 40; i++) {
    await clock.advance(SAMPLE_MS);
    totals.connections = i;
    totals.receivedBytes += 10 * i;
    history.sample();
  }
  const { connections, receivedBytes, sentBytes } = history.series;
  assertEquals(connections.size, SAMPLES);
  assertEquals([...connections].slice(0, 2), [41, 42]);
  assertEquals(receivedBytes.last, SAMPLES + 40);
  assertEquals([...receivedBytes][0], 41);
  assertEquals(sentBytes.last, 0);
  // A late look is divided by the time that it was late by.
  await clock.advance(2 * SAMPLE_MS);
  totals.sentBytes += 200;
  history.sample();
  assertEquals(sentBytes.last, 10);
  history.sample(); // no time has passed
  assertEquals(sentBytes.last, 0);
});

Deno.test("renderChart() draws the newest at the right and the largest at the top", () => {
  const first = new Ring(SAMPLES);
  const second = new Ring(SAMPLES);
  for (const value of [0, 2, 4]) first.push(value);
  for (const value of [1, 1, 1]) second.push(value);
  const { text } = renderChart({
    title: "A<b",
    lines: [{ label: "in", ring: first }, { label: "out", ring: second }],
    format: (value) => `${value} x`,
  });
  assertStringIncludes(text, "<h3>A&#60;b</h3>");
  assertStringIncludes(
    text,
    '<path class="line k0" d="M357 100L358 50L359 0"/>',
  );
  assertStringIncludes(
    text,
    '<path class="line k1" d="M357 75L358 75L359 75"/>',
  );
  assertStringIncludes(text, 'd="M357 100L358 50L359 0V100H357Z"/>');
  assertStringIncludes(text, "<b>4 x</b> in");
  assertStringIncludes(text, "max 4 x");
});

Deno.test("renderChart() draws nothing of nothing, a line of zeros, and an hour in bounded space", () => {
  const draw = (ring: Ring) =>
    renderChart({ title: "t", lines: [{ label: "", ring }], format: String })
      .text;
  const ring = new Ring(SAMPLES);
  assert(!draw(ring).includes("<path"));
  for (let i = 0; i < SAMPLES; i++) ring.push(0);
  assertStringIncludes(draw(ring), "M0 100L1 100");
  assert(!draw(ring).includes("NaN"));
  for (let i = 0; i < SAMPLES; i++) ring.push(1e9 * Math.sin(i) ** 2);
  assert(draw(ring).length < 10_000);
});
