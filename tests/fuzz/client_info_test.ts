/** Perturbed JSON into the decoder of ClientInfo. */
import {
  decodeClientInfo,
  encodeClientInfo,
} from "../../src/derp/client_info.ts";
import { ProtocolError } from "../../src/derp/errors.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { fuzz } from "../support/fuzz.ts";
import type { SeededRandom } from "../support/seeded_random.ts";

const VALUES = [
  "0",
  "-1",
  "2",
  "1e400",
  "true",
  "false",
  "null",
  '""',
  '"0"',
  "{}",
  "[]",
  `"${"07".repeat(32)}"`,
  `"${"0".repeat(64)}"`,
  '"\\ud800"',
];

/** An object of known and unknown fields with values of all kinds. */
function makeJson(random: SeededRandom): string {
  const names = [
    "version",
    "CanAckPings",
    "IsProber",
    "meshKey",
    "AppName",
    "__proto__",
    "",
  ];
  const fields: string[] = [];
  for (let i = random.below(6); i > 0; i--) {
    fields.push(`"${random.pick(names)}":${random.pick(VALUES)}`);
  }
  return `{${fields.join(",")}}`;
}

fuzz("client_info", (random) => {
  const json = new TextEncoder().encode(makeJson(random));
  const bytes = random.oneIn(2) ? json : random.perturb(json);
  let info;
  try {
    info = decodeClientInfo(bytes);
  } catch (error) {
    assert(error instanceof ProtocolError, String(error));
    assertEquals(error.code, "client_info");
    assert(error.message.length < 100);
    return;
  }
  assert(typeof info.version === "number");
  assert(typeof info.canAckPings === "boolean");
  assert(typeof info.isProber === "boolean");
  if (!Number.isFinite(info.version)) return; // JSON has no such number
  const { meshKey, ...again } = decodeClientInfo(encodeClientInfo(info));
  const { meshKey: before, ...rest } = info;
  assertEquals(again, rest);
  assertEquals(meshKey?.reveal(), before?.reveal());
});
