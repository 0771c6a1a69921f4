/** When a read loop gives way. */
import { TurnBudget } from "../../../src/util/turn_budget.ts";
import { assertEquals } from "../../support/assert.ts";
import { noTurn } from "../../support/no_turn.ts";

/** How many reads of `bytes` with `frames` frames go by until a turn is taken. */
function readsUntilTurn(bytes: number, frames: number): number {
  const budget = new TurnBudget(noTurn);
  let reads = 1;
  while (budget.spend(bytes, frames) === undefined) reads++;
  return reads;
}

Deno.test("TurnBudget.spend() takes a turn every 128 KiB, every 128 small reads, or for many small frames", () => {
  assertEquals(readsUntilTurn(16 * 1024, 0), 8);
  assertEquals(readsUntilTurn(1, 0), 128);
  assertEquals(readsUntilTurn(4 * 1024, 300), 6);
});

Deno.test("TurnBudget.spend() begins anew after a turn", () => {
  const budget = new TurnBudget(noTurn);
  const turns = Array.from({ length: 384 }, () => budget.spend(1, 0));
  assertEquals(turns.filter((turn) => turn !== undefined).length, 3);
});
