import {
  parseRateConfig,
  type RateConfig,
} from "../../../src/files/rate_config.ts";
import { assertEquals } from "../../support/assert.ts";

const RATE = "PerClientRateLimitBytesPerSec";
const BURST = "PerClientRateBurstBytes";

const TAKEN: [text: string, bytesPerSecond: number, burstBytes: number][] = [
  [`{"${RATE}":1000,"${BURST}":2000}`, 1000, 2000],
  [`{"${BURST}":2000}`, 0, 2000],
  [` {\n"${RATE}": 1 }\n`, 1, 0],
  ["{}", 0, 0],
  ["null", 0, 0],
  [`{"${RATE}":null}`, 0, 0],
  [`{"${RATE}":7,"Other":{"x":[1]}}`, 7, 0],
  [`{"${RATE.toLowerCase()}":7,"${BURST.toUpperCase()}":8}`, 7, 8],
  [`{"${RATE}":7,"${RATE}":8}`, 8, 0],
  [`{"${RATE}":18446744073709500000}`, 18446744073709500000, 0],
];

for (const [text, bytesPerSecond, burstBytes] of TAKEN) {
  Deno.test(`parseRateConfig() takes ${text.trim()} as Go does`, () => {
    const expected: RateConfig = { bytesPerSecond, burstBytes };
    assertEquals(parseRateConfig(text), expected);
  });
}

const WRONG: [text: string, why: string][] = [
  ["", "it is empty"],
  [" \n", "it is empty"],
  [`{"${RATE}":10`, "it isn't JSON"],
  [`{"${RATE}":10} {}`, "it isn't JSON"],
  ["[]", "it isn't a JSON object"],
  ["17", "it isn't a JSON object"],
  [`{"${RATE}":"10"}`, `${RATE} is "10", not a whole number from 0 on`],
  [`{"${RATE}":-1}`, `${RATE} is -1, not a whole number from 0 on`],
  [`{"${BURST}":1.5}`, `${BURST} is 1.5, not a whole number from 0 on`],
  [`{"${BURST}":1e99}`, `${BURST} is 1e+99, not a whole number from 0 on`],
  [`{"${BURST}":true}`, `${BURST} is true, not a whole number from 0 on`],
];

for (const [text, why] of WRONG) {
  Deno.test(`parseRateConfig() refuses ${JSON.stringify(text)}`, () => {
    assertEquals(parseRateConfig(text), why);
  });
}
