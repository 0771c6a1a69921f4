/** Tests that run with many seeds, and first with those that failed once. */
import { SeededRandom } from "./seeded_random.ts";

const REGRESSIONS = new URL("../fuzz/regressions/", import.meta.url);
const DEFAULT_ROUNDS = 200;

/**
 * Registers a test of `target` that calls `round` with the seeds 1, 2, 3 … as
 * often as FUZZ_ROUNDS says. A seed that fails belongs into
 * `tests/fuzz/regressions/<target>.txt`, a line each, and is tried first from
 * then on.
 */
export function fuzz(
  target: string,
  round: (random: SeededRandom) => void | Promise<void>,
): void {
  Deno.test(`fuzz ${target}`, async () => {
    const rounds = Number(Deno.env.get("FUZZ_ROUNDS") ?? DEFAULT_ROUNDS);
    const seeds = await readRegressions(target);
    for (let seed = 1; seed <= rounds; seed++) seeds.push(seed);
    for (const seed of seeds) {
      try {
        await round(new SeededRandom(seed));
      } catch (cause) {
        throw new Error(
          `${target} fails with seed ${seed}; add it to tests/fuzz/regressions/${target}.txt`,
          { cause },
        );
      }
    }
  });
}

async function readRegressions(target: string): Promise<number[]> {
  try {
    const text = await Deno.readTextFile(new URL(`${target}.txt`, REGRESSIONS));
    return text.split("\n").filter((line) => /^\d+$/.test(line)).map(Number);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
