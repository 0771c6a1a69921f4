import { Health } from "../../../src/util/health.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("Health has a line for each part that doesn't work", () => {
  const health = new Health();
  assertEquals([health.isHealthy, health.problems], [true, []]);
  health.report("certificate", "none yet");
  health.report("listener", "down");
  health.report("certificate", "expired");
  assert(!health.isHealthy);
  assertEquals(health.problems, ["certificate: expired", "listener: down"]);
  health.report("certificate", undefined);
  health.report("listener", undefined);
  health.report("verification", undefined);
  assertEquals([health.isHealthy, health.problems], [true, []]);
});

Deno.test("Health tells of a part that fails or works again, not of another reason", () => {
  const told: boolean[] = [];
  const health = new Health(({ isHealthy }) => told.push(isHealthy));
  health.report("listener", undefined);
  health.report("listener", "down");
  health.report("listener", "still down");
  assertEquals(told, [false]);
  health.report("listener", undefined);
  health.report("listener", undefined);
  assertEquals(told, [false, true]);
});

Deno.test("Health.stop() says that it is of its own will", () => {
  const told: [boolean, boolean][] = [];
  const health = new Health(({ isHealthy, isStopping }) =>
    told.push([isHealthy, isStopping])
  );
  health.report("listener", "down");
  health.report("listener", undefined);
  health.stop();
  health.stop();
  health.report("listener", "closed");
  assertEquals(told, [[false, false], [true, false], [false, true], [
    false,
    true,
  ]]);
  assertEquals(health.problems, [
    "draining: the relay is about to stop",
    "listener: closed",
  ]);
});
