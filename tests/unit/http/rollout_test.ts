import { isReached } from "../../../src/http/rollout.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const never = (): number => {
  throw new Error("Nothing is left to chance");
};

/** What Go's math/rand/v2 gives first from rand.NewPCG(the address' two halves, little-endian). */
const FRACTIONS: Record<string, number> = {
  "1.2.3.4": 0.06865797708372512,
  "1.2.3.6": 0.8582550888355482,
  "203.0.113.200": 0.9704898899750485,
  "2001:db8::1": 0.17365074425987426,
  "fd7a:115c:a1e0::53": 0.3248500352094015,
};

for (const [ip, fraction] of Object.entries(FRACTIONS)) {
  Deno.test(`isReached() chooses ${ip} as derper does`, () => {
    assert(!isReached(ip, fraction, never));
    assert(isReached(ip, fraction + 2 ** -52, never));
  });
}

/** derper's own sample at 50 %. */
const HALF: Record<string, boolean> = {
  "1.2.3.4": true,
  "1.2.3.5": true,
  "1.2.3.6": false,
  "1.2.3.7": true,
  "1.2.3.8": false,
  "1.2.3.9": true,
  "1.2.3.10": true,
};

Deno.test("isReached() chooses derper's half", () => {
  const ours = Object.keys(HALF).map((ip) => [ip, isReached(ip, 0.5, never)]);
  assertEquals(Object.fromEntries(ours), HALF);
});

Deno.test("isReached() asks nothing where it is all or nobody", () => {
  for (const ip of ["10.0.0.1", "127.0.0.1", "", "nonsense"]) {
    assert(isReached(ip, 1, never), ip);
    assert(!isReached(ip, 0, never), ip);
  }
  assert(!isReached("nonsense", 0.5, never));
});

Deno.test("isReached() reaches about its share of many", () => {
  let reached = 0;
  for (let i = 0; i < 4096; i++) {
    if (isReached(`1.2.${i >> 8}.${i & 255}`, 0.25, never)) reached++;
  }
  assert(Math.abs(reached / 4096 - 0.25) < 0.02, String(reached));
});

Deno.test("isReached() tosses a coin for loopback, as derper does", () => {
  for (const ip of ["127.0.0.1", "127.9.9.9", "::1"]) {
    assert(isReached(ip, 0.01, () => 0.49), ip);
    assert(!isReached(ip, 0.99, () => 0.5), ip);
  }
});
