/** How several sources of verdicts are one. */
import {
  type Admission,
  requireAll,
  type Verdict,
} from "../../../src/admission/admission.ts";
import { NodePublic } from "../../../src/keys/node_key.ts";
import { assertEquals } from "../../support/assert.ts";

const CANDIDATE = {
  key: NodePublic.fromBytes(new Uint8Array(32).fill(7)),
  ip: "192.0.2.1",
};
const REFUSAL: Verdict = { allow: false, reason: "Unknown", advice: "ask" };

/** A source that always says the same, and whom it was asked. */
function source(name: string, verdict: Verdict): Admission & { asked: number } {
  return {
    name,
    asked: 0,
    admit() {
      this.asked++;
      return Promise.resolve(verdict);
    },
  };
}

Deno.test("requireAll() admits whom all admit", async () => {
  const all = requireAll([
    source("a", { allow: true }),
    source("b", { allow: true }),
  ]);
  assertEquals(all.name, "a and b");
  assertEquals(await all.admit(CANDIDATE), { allow: true });
});

Deno.test("requireAll() gives the first refusal, and doesn't ask further", async () => {
  const last = source("c", { allow: true });
  const all = requireAll([
    source("a", { allow: true }),
    source("b", REFUSAL),
    last,
  ]);
  assertEquals(await all.admit(CANDIDATE), REFUSAL);
  assertEquals(last.asked, 0);
});
