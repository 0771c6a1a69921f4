/** How long a verifier may fail before the relay counts as unhealthy. */
import { VerifierWatch } from "../../../src/admission/verifier_watch.ts";
import { Health } from "../../../src/util/health.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function watch() {
  const state = { problem: undefined as string | undefined, checks: 0 };
  const clock = new FakeClock();
  const health = new Health();
  const watch = new VerifierWatch({
    admission: {
      name: "verifier",
      admit: () => Promise.resolve({ allow: true }),
      check() {
        state.checks++;
        return Promise.resolve(state.problem);
      },
    },
    clock,
    health,
  });
  return { state, clock, health, watch };
}

Deno.test("VerifierWatch reports a verifier that fails for a minute, and when it is back", async () => {
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
