/** How long verification may fail before the relay counts as unhealthy. */
import { VerifierWatch } from "../../../src/admission/verifier_watch.ts";
import { Health } from "../../../src/util/health.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function watch() {
  const state = {
    problem: undefined as string | undefined,
    admitsKnown: false,
    runsOnMemory: false,
    checks: 0,
  };
  const clock = new FakeClock();
  const health = new Health();
  const told: (string | undefined)[] = [];
  const watch = new VerifierWatch({
    verifier: {
      get runsOnMemory() {
        return state.runsOnMemory;
      },
      inspect() {
        state.checks++;
        const { problem, admitsKnown } = state;
        return Promise.resolve({ problem, admitsKnown });
      },
    },
    clock,
    health,
    tell: (text) => told.push(text),
  });
  return { state, clock, health, told, watch };
}

Deno.test("VerifierWatch reports a verifier that fails for a minute, and when it is back, and logs neither", async () => {
  await using log = await CapturedLog.start();
  const { state, clock, health, watch: watching } = watch();
  await clock.advance(20_000);
  assert(health.isHealthy);
  state.problem = "tailscaled is gone";
  await clock.advance(69_999); // found at 30 s, counted from there
  assert(health.isHealthy);
  await clock.advance(1);
  assertEquals(health.problems, ["verification: tailscaled is gone"]);
  state.problem = undefined;
  await clock.advance(15_000);
  assert(health.isHealthy);
  await watching.close();
  assertEquals(log.lines, []);
});

Deno.test("VerifierWatch begins anew after each success", async () => {
  const { state, clock, health, watch: watching } = watch();
  for (let round = 0; round < 3; round++) {
    state.problem = "tailscaled is gone";
    await clock.advance(45_000);
    state.problem = undefined;
    await clock.advance(15_000);
    assert(health.isHealthy);
  }
  assertEquals(state.checks, 13);
  await watching.close();
});

Deno.test("VerifierWatch takes a relay to be healthy as long as those it knows are welcome", async () => {
  const { state, clock, health, watch: watching } = watch();
  state.problem = "tailscaled is gone";
  state.admitsKnown = true;
  await clock.advance(3_600_000);
  assert(health.isHealthy);
  state.admitsKnown = false;
  await clock.advance(60_000);
  assert(health.isHealthy);
  await clock.advance(15_000);
  assert(!health.isHealthy);
  state.admitsKnown = true;
  await clock.advance(15_000);
  assert(health.isHealthy);
  await watching.close();
});

Deno.test("VerifierWatch tells clients while the relay runs on what it knows", async () => {
  const { state, clock, told, watch: watching } = watch();
  await clock.advance(1);
  assertEquals(told, [undefined]);
  state.runsOnMemory = true;
  await clock.advance(15_000);
  assert(told[1]?.includes("only those it knows"), told[1]);
  state.runsOnMemory = false;
  await clock.advance(15_000);
  assertEquals(told.at(-1), undefined);
  await watching.close();
});

Deno.test("VerifierWatch.close() leaves no timer behind, and reports no more", async () => {
  const { state, clock, health, watch: watching } = watch();
  await clock.advance(1);
  assertEquals(clock.pending, 1);
  await watching.close();
  assertEquals(clock.pending, 0);
  state.problem = "tailscaled is gone";
  await clock.advance(120_000);
  assertEquals([state.checks, health.isHealthy], [1, true]);
});
