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

Deno.test("requireAll() has all problems of all that can be checked", async () => {
  const problems: (string | undefined)[] = [undefined, undefined];
  const checked = (i: number) => ({
    ...source(`${i}`, { allow: true }),
    check: () => Promise.resolve(problems[i]),
  });
  const all = requireAll([
    checked(0),
    source("c", { allow: true }),
    checked(1),
  ]);
  assertEquals(await all.check?.(), undefined);
  problems[1] = "down";
  assertEquals(await all.check?.(), "down");
  problems[0] = "gone";
  assertEquals(await all.check?.(), "gone; and down");
});
