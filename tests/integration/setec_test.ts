/** The mesh key from a setec server, from its cache, and how long it is waited for. */
import { setecMeshKey } from "../../src/secrets/setec_mesh_key.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { secretOf, SetecServer } from "../support/setec_server.ts";

const NAME = "prod/derp/meshkey";
const HEX = "0a1b".repeat(16);
const OTHER_HEX = "0c2d".repeat(16);

/** What one question may take. */
const DEADLINE_MS = 5_000;

/** Tells a wait between questions from the deadline of one. */
class WatchedClock extends FakeClock {
  lastDelayMs = 0;

  override after(delayMs: number, fn: () => void): () => void {
    this.lastDelayMs = delayMs;
    return super.after(delayMs, fn);
  }
}

/** A server, a directory for its cache, and what is logged, which never holds a key. */
class Bench implements AsyncDisposable {
  readonly server = new SetecServer();
  readonly clock = new WatchedClock();
  readonly dir: string;
  readonly log: CapturedLog;
  cachePath: string;

  private constructor(dir: string, log: CapturedLog) {
    this.dir = dir;
    this.log = log;
    this.cachePath = `${dir}/below/derper-secrets`;
  }

  static async start(): Promise<Bench> {
    return new Bench(await Deno.makeTempDir(), await CapturedLog.start());
  }

  /** The key's digits. */
  async key(url = this.server.url, signal?: AbortSignal): Promise<string> {
    const { cachePath, clock } = this;
    const options = { url, secretName: NAME, cachePath, clock, caCerts: [] };
    const key = await setecMeshKey(signal ? { ...options, signal } : options);
    return key.reveal();
  }

  readCache(): Promise<string> {
    return Deno.readTextFile(this.cachePath);
  }

  async writeCache(text: string): Promise<void> {
    this.cachePath = `${this.dir}/cache`;
    await Deno.writeTextFile(this.cachePath, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.log[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
    for (const line of this.log.lines) {
      for (const hex of [HEX, OTHER_HEX]) {
        assert(!line.includes(hex) && !line.includes(btoa(hex)), line);
      }
    }
    assertEquals(this.clock.pending, 0);
  }
}

/** As setec's library writes it. */
function cacheOf(hex: string, version = 3): string {
  return `{"${NAME}":{"secret":{"Value":"${
    btoa(hex)
  }","Version":${version}},"lastAccess":"1700000000"}}`;
}

/** A URL at which nobody listens. */
function nowhere(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return `http://127.0.0.1:${listener.addr.port}`;
}

Deno.test("setecMeshKey() asks as setec's library does, and keeps the answer as it does", async () => {
  await using bench = await Bench.start();
  bench.server.secrets.set(NAME, secretOf(`${HEX}\n`, 3));
  assertEquals(await bench.key(), HEX);
  assertEquals(bench.server.questions, [{
    line: "POST /api/get",
    contentType: "application/json",
    body: { Name: NAME, Version: 0, UpdateIfChanged: false },
  }]);
  const seconds = bench.clock.date().getTime() / 1000;
  assertEquals(
    await bench.readCache(),
    cacheOf(`${HEX}\n`).replace("1700000000", String(seconds)),
  );
  const { mode } = await Deno.stat(bench.cachePath);
  assertEquals(mode! & 0o777, 0o600);
  assertEquals((await Deno.stat(`${bench.dir}/below`)).mode! & 0o777, 0o700);
  assertStringIncludes(bench.log.lines[0]!, `${bench.server.url}, version 3`);
});

Deno.test("setecMeshKey() takes a URL with a path and a slash at its end", async () => {
  await using bench = await Bench.start();
  bench.server.secrets.set(NAME, secretOf(HEX));
  assertEquals(await bench.key(`${bench.server.url}/sub/`), HEX);
  assertEquals(bench.server.questions[0]!.line, "POST /sub/api/get");
});

Deno.test("setecMeshKey() takes the key from the cache while the server is down", async () => {
  await using bench = await Bench.start();
  await bench.writeCache(cacheOf(HEX));
  assertEquals(await bench.key(nowhere()), HEX);
  assertEquals(bench.log.lines.length, 1);
  assertStringIncludes(bench.log.lines[0]!, `secrets cache ${bench.cachePath}`);
  assertEquals(await bench.readCache(), cacheOf(HEX));
});

Deno.test("setecMeshKey() gives a silent server 5 s where it has a cache", async () => {
  await using bench = await Bench.start();
  await bench.writeCache(cacheOf(HEX));
  const late = Promise.withResolvers<Response>();
  bench.server.answer = () => late.promise;
  const key = bench.key();
  while (bench.server.questions.length === 0) await pause();
  await bench.clock.advance(4_999);
  assertEquals(bench.log.lines, []);
  await bench.clock.advance(1);
  assertEquals(await key, HEX);
  assertStringIncludes(bench.log.lines[0]!, "no answer in time");
  late.resolve(new Response());
});

Deno.test("setecMeshKey() prefers what the server has now, and leaves other secrets in the cache", async () => {
  await using bench = await Bench.start();
  const other = `"other":{"secret":{"Value":"eA==","Version":1}}`;
  await bench.writeCache(cacheOf(HEX).replace("{", `{${other},`));
  bench.server.secrets.set(NAME, secretOf(OTHER_HEX, 4));
  assertEquals(await bench.key(), OTHER_HEX);
  const cache = JSON.parse(await bench.readCache());
  assertEquals(cache["other"], { secret: { Value: "eA==", Version: 1 } });
  assertEquals(cache[NAME].secret, { Value: btoa(OTHER_HEX), Version: 4 });
});

Deno.test("setecMeshKey() doesn't write the cache anew without a change", async () => {
  await using bench = await Bench.start();
  await bench.writeCache(cacheOf(HEX));
  bench.server.secrets.set(NAME, secretOf(HEX, 3));
  assertEquals(await bench.key(), HEX);
  assertEquals(await bench.readCache(), cacheOf(HEX));
});

Deno.test("setecMeshKey() keeps the cache in a directory where it is given one", async () => {
  await using bench = await Bench.start();
  bench.cachePath = `${bench.dir}/`;
  bench.server.secrets.set(NAME, secretOf(HEX));
  assertEquals(await bench.key(), HEX);
  assertEquals(await bench.key(nowhere()), HEX);
  const names = (await Array.fromAsync(Deno.readDir(bench.dir)))
    .map(({ name }) => name);
  assertEquals(names, ["secrets.json"]);
});

for (
  const text of [
    "",
    "{",
    "[]",
    "null",
    `{"${NAME}":null}`,
    `{"${NAME}":{"secret":{"Value":"*","Version":1}}}`,
    `{"${NAME}":{"secret":{"Value":"eA==","Version":1}}}`,
    `{"${NAME}":{"secret":{"Version":1}}}`,
  ]
) {
  Deno.test(`setecMeshKey() does without the cache ${JSON.stringify(text)}, and replaces it`, async () => {
    await using bench = await Bench.start();
    await bench.writeCache(text);
    bench.server.secrets.set(NAME, secretOf(HEX));
    assertEquals(await bench.key(), HEX);
    assertEquals(await bench.key(nowhere()), HEX);
  });
}

Deno.test("setecMeshKey() goes on, and says so, where the cache can't be used", async () => {
  await using bench = await Bench.start();
  await Deno.writeTextFile(`${bench.dir}/file`, "");
  bench.cachePath = `${bench.dir}/file/cache`;
  bench.server.secrets.set(NAME, secretOf(HEX));
  assertEquals(await bench.key(), HEX);
  assertStringIncludes(bench.log.lines.at(-1)!, bench.cachePath);
  assertStringIncludes(bench.log.lines.at(-1)!, "-secrets-cache-dir");
});

Deno.test("setecMeshKey() waits until there is a key, and says each reason once", async () => {
  await using bench = await Bench.start();
  const { server, clock, log } = bench;
  const key = bench.key();
  /** Lets time pass between questions, until there were so many. */
  const asked = async (count: number) => {
    while (server.questions.length < count) {
      if (clock.lastDelayMs === DEADLINE_MS) await pause();
      else await clock.advance(clock.lastDelayMs);
    }
  };
  await asked(4);
  server.answer = () => new Response("not you", { status: 403 });
  await asked(8);
  server.answer = undefined;
  server.secrets.set(NAME, secretOf(HEX));
  assertEquals(await Promise.all([key, asked(9)]), [HEX, undefined]);
  const lines = log.matching("no mesh key yet");
  assertEquals(lines.length, 2);
  assertStringIncludes(lines[0]!, `"${NAME}"`);
  assert(lines[0]!.endsWith(": it has no such secret"), lines[0]);
  assertStringIncludes(lines[1]!, ": it answers with status 403");
  assert(!lines[1]!.includes("not you"));
});

Deno.test("setecMeshKey() waits no longer than its signal", async () => {
  await using bench = await Bench.start();
  const stop = new AbortController();
  const key = bench.key(nowhere(), stop.signal);
  while (bench.log.lines.length === 0) await pause();
  stop.abort();
  await assertRejects(() => key, DOMException);
});

const NONSENSE: [answer: string, why: string][] = [
  ["", "its answer isn't JSON"],
  [`{"Value":"${btoa(HEX)}"`, "its answer isn't JSON"],
  ["null", "its answer holds no secret"],
  [`{"Value":"*","Version":1}`, "its answer holds no secret"],
  [`{"Value":"${btoa(HEX)}","Version":"1"}`, "its answer holds no secret"],
  ["x".repeat(65_537), "its answer is longer than 64 KiB"],
];

for (const [answer, why] of NONSENSE) {
  Deno.test(`setecMeshKey() makes nothing of ${answer.length} bytes: ${why}`, async () => {
    await using bench = await Bench.start();
    await bench.writeCache(cacheOf(HEX));
    bench.server.answer = () => new Response(answer);
    assertEquals(await bench.key(), HEX);
    assert(bench.log.lines[0]!.endsWith(`: ${why}`), bench.log.lines[0]);
  });
}

Deno.test("setecMeshKey() fails where the secret can't be a mesh key, and has the last one otherwise", async () => {
  await using bench = await Bench.start();
  bench.server.secrets.set(NAME, secretOf(`${HEX}0`, 7));
  const error = await assertRejects(() => bench.key(), OperatorError);
  assertStringIncludes(error.message, `"${NAME}"`);
  assertStringIncludes(error.message, "version 7 isn't 64 hexadecimal digits");
  assert(!error.message.includes(HEX));
  await bench.writeCache(cacheOf(HEX));
  assertEquals(await bench.key(), HEX);
  assertEquals(await bench.readCache(), cacheOf(HEX));
});

Deno.test("setecMeshKey() tells nobody the password in its URL", async () => {
  await using bench = await Bench.start();
  const stop = new AbortController();
  const url = nowhere().replace("//", "//joe:verysecret@");
  const key = bench.key(url, stop.signal);
  while (bench.log.lines.length === 0) await pause();
  stop.abort();
  await assertRejects(() => key);
  assert(!bench.log.lines.join().includes("verysecret"), bench.log.lines[0]);
});

/** Gives sockets time. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
}
