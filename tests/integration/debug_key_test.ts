/** TS_DEBUG_KEY_PATH: a file with the key for the pages of operators. */
import { DebugAccess } from "../../src/debug/access.ts";
import { LogLimiter } from "../../src/log/limited.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { FakeClock } from "../support/fake_clock.ts";

const STRANGER = {
  remote: { ip: "192.0.2.1", port: 1 },
  secure: true,
};

class Bench implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync();
  readonly keyPath = `${this.dir}/key`;

  write(text: string): Promise<void> {
    return Deno.writeTextFile(this.keyPath, text);
  }

  create(): Promise<DebugAccess> {
    const limiter = new LogLimiter(new FakeClock());
    return DebugAccess.create({ keyPath: this.keyPath, limiter });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

function ask(
  access: DebugAccess,
  query: string,
  init?: RequestInit,
): Promise<boolean> {
  const url = `https://relay.test/debug/varz${query}`;
  return access.allows(new Request(url, init), STRANGER);
}

Deno.test("DebugAccess allows who has the key, by GET alone, also behind a proxy", async () => {
  await using bench = new Bench();
  await bench.write("  secret+1 \n");
  const access = await bench.create();
  assert(await ask(access, "?debugkey=secret%2B1"));
  assert(await ask(access, "?a=b&debugkey=secret%2B1"));
  const headers = { "X-Forwarded-For": "198.51.100.1" };
  assert(await ask(access, "?debugkey=secret%2B1", { headers }));
  for (
    const query of [
      "",
      "?debugkey",
      "?debugkey=",
      "?debugkey=secret",
      "?debugkey=secret%2B1%20",
      "?debugkey=secret%2B11",
      "?DEBUGKEY=secret%2B1",
      "?debugkey=&debugkey=secret%2B1",
    ]
  ) {
    assert(!await ask(access, query), query);
  }
  for (const method of ["HEAD", "POST"]) {
    assert(!await ask(access, "?debugkey=secret%2B1", { method }), method);
  }
});

Deno.test("DebugAccess reads the key anew each time, and denies while it can't", async () => {
  await using log = await CapturedLog.start();
  await using bench = new Bench();
  await bench.write("first");
  const access = await bench.create();
  assert(await ask(access, "?debugkey=first"));
  await bench.write("second");
  assert(!await ask(access, "?debugkey=first"));
  assert(await ask(access, "?debugkey=second"));
  await bench.write(" \n");
  assert(!await ask(access, "?debugkey=second"));
  await Deno.remove(bench.keyPath);
  assert(!await ask(access, "?debugkey=second"));
  assertEquals(log.lines.length, 1, log.lines.join("\n"));
  assertStringIncludes(log.lines[0]!, bench.keyPath);
});

Deno.test("DebugAccess.create() says in one line what is wrong with the key's file", async () => {
  await using bench = new Bench();
  const cases: [() => Promise<void>, string][] = [
    [() => Promise.resolve(), "is missing"],
    [() => bench.write("\n"), "is empty"],
    [() => bench.write("x".repeat(20_000)), "it is larger than 16 KiB"],
    [async () => {
      await Deno.remove(bench.keyPath);
      await Deno.mkdir(bench.keyPath);
    }, "it is a directory"],
  ];
  for (const [prepare, fault] of cases) {
    await prepare();
    const { message } = await assertRejects(
      () => bench.create(),
      OperatorError,
    );
    assertStringIncludes(message, fault);
    assertStringIncludes(message, bench.keyPath);
    assertStringIncludes(message, "TS_DEBUG_KEY_PATH");
    assert(!message.includes("\n"));
  }
});
