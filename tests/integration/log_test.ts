/** The log of the program as an operator runs it: its formats, its bounds, and nobody who reads it. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
} from "../support/assert.ts";
import { writeAll } from "../../src/net/conn.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import { RelayProgram } from "../support/relay_program.ts";

const HOST = "127.0.0.1";
const MAIN = new URL("../../main.ts", import.meta.url).pathname;
/** Where the packages are already; by default below HOME, which the program gets anew. */
const DENO_DIR = Deno.env.get("DENO_DIR") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;

/** A request that is refused, with a line in the log. */
async function nonsense(port: number): Promise<void> {
  const conn = new DenoConn(await Deno.connect({ hostname: HOST, port }));
  await writeAll(conn, new TextEncoder().encode("nonsense\r\n\r\n"));
  await conn.read(new Uint8Array(1_000));
  conn.close();
}

async function nonsenses(port: number, count: number): Promise<void> {
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, () => nonsense(port)));
  }
}

/** A relay that admits nobody. */
async function startClosed(...args: string[]) {
  const list = await Deno.makeTempFile();
  const { publicKey } = NodePrivate.generate();
  await Deno.writeTextFile(list, `${publicKey}\n`);
  const relay = await RelayProgram.start(["-verify-keys-file", list, ...args]);
  return Object.assign(relay, { list });
}

Deno.test("main with -log-format json writes one JSON object a line, with the values", async () => {
  await using relay = await startClosed("-log-format=json");
  const stranger = NodePrivate.generate();
  await assertRejects(() => relay.admits(stranger));
  await relay.child.stop("SIGTERM");
  const lines = relay.child.lines.map((line) => JSON.parse(line));
  for (const { time, level, category, message } of lines) {
    assert(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
    assert(["info", "warning"].includes(level), level);
    assert(/^[a-z]+$/.test(category), category);
    assert(message.length > 0);
  }
  const refusal = lines.find(({ message }) => message.startsWith("refused "));
  const { short, ip, reason, ask } = refusal.values;
  assertEquals(short, stranger.publicKey.shortString());
  assertEquals(ip, HOST);
  assertMatch(reason, /^Not among the 1 node/);
  assertMatch(ask, /derper verify /);
  assertMatch(lines.at(-1).message, /^stopping at SIGTERM$/);
  await Deno.remove(relay.list);
});

Deno.test("main with -log-level warning leaves out what is below", async () => {
  const args = ["-a", `${HOST}:0`, "-c", "key", "-stun=false"];
  const dir = await Deno.makeTempDir();
  const child = start(dir, [...args, "-log-level", "warning"]);
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  assertMatch(value!, /^\S+ \[warning\] derper: this is an open relay: .*\n$/);
  child.kill("SIGTERM");
  const rest = await reader.read();
  assert(rest.done, `stopping is no warning: ${rest.value}`);
  await child.status;
  await Deno.remove(dir, { recursive: true });
});

Deno.test("main has ten lines of strangers a minute, and one for all others when it stops", async () => {
  await using relay = await startClosed();
  for (let i = 0; i < 30; i++) {
    await assertRejects(() => relay.admits(NodePrivate.generate()));
  }
  assertEquals(relay.child.matching(/refused \[/).length, 10);
  await relay.child.stop("SIGTERM");
  const lines = relay.child.matching(/refused \[/);
  assertEquals(lines.length, 11);
  assertMatch(
    lines[10]!,
    /Not among the 1 node.*derper verify .* \(the last of 20 in a minute\)$/,
  );
  await Deno.remove(relay.list);
});

Deno.test("main goes on while nobody reads its log, and keeps the lines for who comes late", async () => {
  const dir = await Deno.makeTempDir();
  const args = ["-a", `${HOST}:0`, "-c", "key", "-stun=false"];
  const child = start(dir, [...args, "-log-level", "debug"]);
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("open relay")) text += (await reader.read()).value;
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(text)![1]);
  const count = 2_000; // three pipes full
  await nonsenses(port, count);
  const page = await fetch(`http://${HOST}:${port}/generate_204`);
  assertEquals(page.status, 204);
  await page.body?.cancel();
  for (let lines = 0; lines < count;) {
    text += (await reader.read()).value;
    lines = text.match(/refused a request .*\n/g)?.length ?? 0;
  }
  child.kill("SIGTERM");
  for (let part; !(part = await reader.read()).done;) text += part.value;
  assertEquals((await child.status).code, 0);
  assertEquals(
    text.match(/refused a request from .* with 400: .*\n/g)?.length,
    count,
  );
  assertMatch(text, /stopping at SIGTERM\n$/);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("main stops in time while nobody reads its log", async () => {
  const dir = await Deno.makeTempDir();
  const args = ["-a", `${HOST}:0`, "-c", "key", "-stun=false"];
  const child = start(dir, [...args, "-log-level", "debug"]);
  const reader = child.stderr.getReader();
  let text = "";
  const decoder = new TextDecoder();
  while (!text.includes("open relay")) {
    text += decoder.decode((await reader.read()).value);
  }
  await nonsenses(Number(/127\.0\.0\.1:(\d+)/.exec(text)![1]), 2_000);
  child.kill("SIGTERM");
  assertEquals((await child.status).code, 0);
  await reader.cancel();
  await Deno.remove(dir, { recursive: true });
});

/** The program, with an error output that is only read when a test does. */
function start(dir: string, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=relay", MAIN, ...args],
    cwd: dir,
    env: { HOME: dir, DENO_DIR, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}
