/** What an operator is told of the relay as a whole. */
import { logHealth } from "../../src/operator_lines.ts";
import { Health } from "../../src/util/health.ts";
import { assertEquals } from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";

Deno.test("logHealth() warns of what breaks, and not that the relay is about to stop", async () => {
  await using log = await CapturedLog.start();
  const health = new Health(logHealth);
  health.report("TLS listener", "the port is in use");
  health.report("TLS listener", undefined);
  health.stop();
  health.report("TLS listener", "closed");
  assertEquals(log.lines.map((line) => line.replace(/^\S+ /, "")), [
    "[warning] derper: can't relay: TLS listener: the port is in use",
    "[info] derper: can relay again",
  ]);
});
