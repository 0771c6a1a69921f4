/** The file of `-rate-config`, as it may be. */
import { readRateConfig } from "../../src/files/rate_config.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";

const RATE = "PerClientRateLimitBytesPerSec";

/** Calls `use` with a path in a directory of its own. */
async function withPath(use: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(`${dir}/rates.json`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("readRateConfig() reads what the file says", async () => {
  await withPath(async (path) => {
    await Deno.writeTextFile(path, `{"${RATE}": 5}\n`);
    const config = { bytesPerSecond: 5, burstBytes: 0 };
    assertEquals(await readRateConfig(path), config);
  });
});

const FAULTS: Record<string, (path: string) => Promise<void>> = {
  "it does not exist": () => Promise.resolve(),
  "it is a directory": (path) => Deno.mkdir(path),
  "it is empty": (path) => Deno.writeTextFile(path, ""),
  "it isn't JSON": (path) => Deno.writeTextFile(path, `{"${RATE}": 5`),
  [`${RATE} is "5", not a whole number from 0 on`]: (path) =>
    Deno.writeTextFile(path, `{"${RATE}": "5"}`),
  "it is larger than 64 KiB": (path) =>
    Deno.writeTextFile(path, " ".repeat(65_537)),
};

for (const [why, make] of Object.entries(FAULTS)) {
  Deno.test(`readRateConfig() says in one line that ${why}`, async () => {
    await withPath(async (path) => {
      await make(path);
      const error = await assertRejects(
        () => readRateConfig(path),
        OperatorError,
      );
      assertStringIncludes(error.message, `rate config "${path}": ${why}; `);
      assertEquals(error.message.split("\n").length, 1);
    });
  });
}
