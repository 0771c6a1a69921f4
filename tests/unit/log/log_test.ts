/** What a log line looks like, and what cannot get into one. */
import { logger } from "../../../src/log/log.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

Deno.test("logger() writes time, level, part and text in one line", async () => {
  await using log = await CapturedLog.start();
  logger("relay").info("refused {key} from {ip}", {
    key: "[zo060]",
    ip: "::1",
  });
  logger("certs").warn("no fields");
  logger("mesh").error("number {n}", { n: 3 });
  assertEquals(log.lines.length, 3);
  assertMatch(
    log.lines[0]!,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*Z \[info\] relay: refused \[zo060\] from ::1$/,
  );
  assertMatch(log.lines[1]!, /\[warning\] certs: no fields$/);
  assertMatch(log.lines[2]!, /\[error\] mesh: number 3$/);
});

Deno.test("logger() keeps debug lines to itself", async () => {
  await using log = await CapturedLog.start();
  logger("relay").debug("too much");
  logger("relay").trace("far too much");
  assertEquals(log.lines, []);
});

Deno.test("logger() writes nothing before startLogging() and after stopLogging()", async () => {
  const log = await CapturedLog.start();
  await log[Symbol.asyncDispose]();
  logger("relay").info("nobody listens");
  assertEquals(log.lines, []);
});

Deno.test("logger() lets no control character out of a field, so nobody forges a line", async () => {
  await using log = await CapturedLog.start();
  const evil =
    "x\n2026-01-01 [ERROR] relay: forged\r\x1b[2J\x00\x7f\u0085\u2028\u2029\u202e\u2066";
  logger("relay").info("from {text}, {error}, {object}, {list}", {
    text: evil,
    error: new Error(evil),
    object: { evil },
    list: [evil],
  });
  assertEquals(log.lines.length, 1);
  const { 0: line = "" } = log.lines;
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/.test(line), line);
  assert(log.lines[0]!.includes("x\\u000a2026"), log.lines[0]);
});

Deno.test("logger() doesn't expand placeholders that come in a field", async () => {
  await using log = await CapturedLog.start();
  logger("relay").info("from {ip}: {why}", { ip: "{why}", why: "{ip} {{x}}" });
  assertMatch(log.lines[0]!, /relay: from \{why\}: \{ip\} \{\{x\}\}$/);
});

Deno.test("logger() prints placeholders for secrets, however deep", async () => {
  await using log = await CapturedLog.start();
  const key = testKey(5);
  const meshKey = testMeshKey(6);
  logger("relay").info("{key} {meshKey} {both} {list}", {
    key,
    meshKey,
    both: { key, deep: { meshKey } },
    list: [key, meshKey],
  });
  const line = log.lines[0]!;
  assert(!line.includes("0505") && !line.includes("0606"), line);
  assert(line.includes("[private key] [mesh key]"), line);
});

Deno.test("logger() prints any value without throwing", async () => {
  await using log = await CapturedLog.start();
  for (
    const value of [
      undefined,
      null,
      0,
      1n,
      true,
      Symbol("s"),
      () => 1,
      { a: { b: [1] } },
      new Date(0),
    ]
  ) {
    logger("relay").info("value {value}", { value });
  }
  assertEquals(log.lines.length, 9);
  assertMatch(log.lines[7]!, /value \{"a":\{"b":\[1\]\}\}$/);
});

Deno.test("logger() writes JSON: one object a line, with all values", async () => {
  await using log = await CapturedLog.start({ format: "json" });
  logger("relay").warn("refused {key} from {ip}, {n} of {list}{more}", {
    key: testKey(5),
    ip: "::1",
    n: 3,
    list: [1, "two"],
    more: "",
  });
  logger("certs").info("no fields");
  const [first, second] = log.lines.map((line) => JSON.parse(line));
  assertMatch(first.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assertEquals(first, {
    time: first.time,
    level: "warning",
    category: "relay",
    message: "refused [private key] from ::1, 3 of 1,two",
    values: { key: "[private key]", ip: "::1", n: 3, list: [1, "two"] },
  });
  assertEquals(Object.keys(second), ["time", "level", "category", "message"]);
  assertEquals(second.message, "no fields");
});

Deno.test("logger() writes JSON in which nobody forges a line, and any value", async () => {
  await using log = await CapturedLog.start({ format: "json" });
  const evil = 'x"}\n{"level":"error"}\r\x1b[2J\x00\x7f\u0085\u2028\u2029';
  logger("relay").info("from {evil} {object} {error}", {
    evil,
    object: { evil },
    error: new Error(evil),
  });
  for (const value of [undefined, 1n, NaN, Symbol("s"), () => 1, new Date(0)]) {
    logger("relay").info("value {value}", { value });
  }
  assertEquals(log.lines.length, 7);
  for (const line of log.lines) {
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(line), line);
    assertEquals(JSON.parse(line).level, "info");
  }
  assertEquals(JSON.parse(log.lines[0]!).values.object.evil, evil);
  assertEquals(JSON.parse(log.lines[2]!).values.value, "1");
});

for (
  const [level, written] of [
    ["debug", 4],
    ["info", 3],
    ["warning", 2],
    ["error", 1],
  ] as const
) {
  Deno.test(`logger() writes lines of level ${level} and above`, async () => {
    await using log = await CapturedLog.start({ level });
    logger("relay").debug("debug");
    logger("relay").info("info");
    logger("relay").warn("warning");
    logger("relay").error("error");
    assertEquals(
      log.lines.map((line) => line.split(": ").at(-1)),
      ["debug", "info", "warning", "error"].slice(4 - written),
    );
  });
}
