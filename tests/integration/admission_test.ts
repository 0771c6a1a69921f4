/** Verdicts of a tailscaled on a unix socket. */
import type { Verdict } from "../../src/admission/admission.ts";
import { AskedSource } from "../../src/admission/asked_source.ts";
import { TailscaledSource } from "../../src/admission/tailscaled.ts";
import { LogLimiter } from "../../src/log/limited.ts";
import { NodePublic } from "../../src/keys/node_key.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
} from "../support/assert.ts";
import { type Behaviour, FakeTailscaled } from "../support/fake_tailscaled.ts";

const SELF = key(1);
const MEMBER = key(2);
const STRANGER = key(3);
/** In the list already, and not yet in whois. */
const LATE = key(4);

function key(byte: number): NodePublic {
  return NodePublic.fromBytes(new Uint8Array(32).fill(byte));
}

/** One of 65,536 keys. */
function numbered(i: number): NodePublic {
  return NodePublic.fromBytes(
    new Uint8Array(32).fill(9).with(0, i >> 8).with(1, i & 255),
  );
}

/** A folder with a socket path in it, and an admission that asks there. */
class Bench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly folder = Deno.makeTempDirSync();
  readonly path = `${this.folder}/tailscaled.sock`;
  readonly source = this.sourceAt(this.path);

  /** A source that asks at `socketPath`, as an operator names it. */
  sourceAt(socketPath: string): AskedSource {
    const { clock } = this;
    return new AskedSource({
      source: new TailscaledSource({ socketPath, clock }),
      clock,
      limiter: new LogLimiter(clock),
      slots: 64,
      cacheTtlMs: 0,
      staleTtlMs: 0,
    });
  }

  daemon(): FakeTailscaled {
    return new FakeTailscaled(this.path, SELF, MEMBER);
  }

  admit(who: NodePublic): Promise<Verdict> {
    return ask(this.source, who);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function ask(source: AskedSource, key: NodePublic): Promise<Verdict> {
  return source.ask({ key, ip: "192.0.2.1" });
}

function assertAdmitted(verdict: Verdict, { path }: Bench): void {
  const by = `tailscaled at "${path}"`;
  assertEquals(verdict, { allow: true, by, node: "laptop.example.ts.net" });
}

function refusal(
  verdict: Verdict,
): { reason: string; advice: string; isClear: boolean } {
  if (verdict.allow) throw new Error("Admitted");
  const { reason, advice, isClear } = verdict;
  assert(!/[\r\n]/.test(reason + advice), "it is one line");
  return { reason, advice, isClear };
}

for (const behaviour of ["good", "old"] as const) {
  Deno.test(`TailscaledSource admits members and itself, but no stranger, where tailscaled is ${behaviour}`, async () => {
    await using bench = new Bench();
    await using daemon = bench.daemon();
    daemon.behaviour = behaviour;
    assertAdmitted(await bench.admit(MEMBER), bench);
    assertAdmitted(await bench.admit(SELF), bench);
    const { reason, advice, isClear } = refusal(await bench.admit(STRANGER));
    assert(isClear);
    assertStringIncludes(reason, "Not found in the tailnet");
    assertStringIncludes(advice, "tailscale status");
    assertEquals(bench.clock.pending, 0);
  });
}

Deno.test("TailscaledSource asks whois by node key, of the host that tailscaled wants", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  await bench.admit(MEMBER);
  assertEquals(daemon.questions, [{
    target: `/localapi/v0/whois?addr=nodekey%3A${MEMBER.hex()}`,
    host: "local-tailscaled.sock",
  }]);
});

Deno.test("TailscaledSource asks for the status only where whois knows no node keys", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  daemon.behaviour = "old";
  await bench.admit(MEMBER);
  daemon.behaviour = "good";
  await bench.admit(MEMBER);
  assertEquals(
    daemon.questions.map(({ target }) => target.split("?")[0]),
    ["/localapi/v0/whois", "/localapi/v0/status", "/localapi/v0/whois"],
  );
});

const FAILURES: [Behaviour, string, string][] = [
  ["forbidding", 'status 403 and "whois access denied"', "operator"],
  ["failing", 'status 500 and "no backend"', "-socket"],
  ["html", "<!doctype html>", "-socket"],
  ["half", '{"Node": {"ID": 1', "-socket"],
  ["cut off", "cut off", "-socket"],
  ["garbage", "isn't HTTP", "-socket"],
  ["huge", "more than 1048576 bytes", "-socket"],
  ["redirecting", "status 302", "-socket"],
  ["closing", "cut off", "-socket"],
];

for (const [behaviour, why, remedy] of FAILURES) {
  Deno.test(`TailscaledSource refuses a member while tailscaled is ${behaviour}`, async () => {
    await using bench = new Bench();
    await using daemon = bench.daemon();
    daemon.behaviour = behaviour;
    const { reason, advice, isClear } = refusal(await bench.admit(MEMBER));
    assert(!isClear);
    assertStringIncludes(reason, why);
    assertStringIncludes(advice, remedy);
    daemon.behaviour = "good";
    assertAdmitted(await bench.admit(MEMBER), bench);
  });
}

Deno.test("TailscaledSource refuses after 5 s without an answer", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  daemon.behaviour = "hanging";
  const verdict = bench.admit(MEMBER);
  await until(() => daemon.questions.length === 1);
  await bench.clock.advance(4_999);
  assertEquals(await Promise.race([verdict, "pending"]), "pending");
  await bench.clock.advance(1);
  const { reason } = refusal(await verdict);
  assertStringIncludes(reason, `No answer from "${bench.path}" in time`);
});

Deno.test("TailscaledSource asks for the status again for who came later than the one who waited in vain", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  daemon.behaviour = "old";
  const held = Promise.withResolvers<void>();
  const asksStatus = () => daemon.questions.at(-1)!.target.includes("/status");
  Object.defineProperty(daemon, "gate", {
    configurable: true,
    get: () => asksStatus() ? held.promise : Promise.resolve(),
  });
  const stranger = bench.admit(STRANGER);
  await until(() => daemon.questions.length === 2);
  await bench.clock.advance(3_000);
  const member = bench.admit(MEMBER);
  await until(() => daemon.questions.length === 3);
  await new Promise((resolve) => setTimeout(resolve, 50)); // until it shares the status
  Object.defineProperty(daemon, "gate", { value: Promise.resolve() });
  await bench.clock.advance(2_000);
  assertStringIncludes(refusal(await stranger).reason, "in time");
  assertAdmitted(await member, bench);
  held.resolve();
});

Deno.test("TailscaledSource finds a socket that appears, goes and is made anew", async () => {
  await using bench = new Bench();
  const missing = refusal(await bench.admit(MEMBER));
  assertEquals(missing.reason, `There is no "${bench.path}"`);
  assertStringIncludes(missing.advice, `mount the directory ${bench.folder},`);
  for (let i = 0; i < 3; i++) {
    await using _daemon = bench.daemon();
    assertAdmitted(await bench.admit(MEMBER), bench);
    assertAdmitted(await bench.admit(MEMBER), bench);
  }
  refusal(await bench.admit(MEMBER));
});

Deno.test("TailscaledSource refuses while nobody listens on the socket", async () => {
  await using bench = new Bench();
  await Deno.writeTextFile(bench.path, ""); // connecting to it fails alike
  const { reason, advice } = refusal(await bench.admit(MEMBER));
  assertStringIncludes(reason, "refused");
  assertStringIncludes(advice, "start tailscaled; in a container mount");
});

Deno.test("TailscaledSource refuses a path that can't be a socket's", async () => {
  await using bench = new Bench();
  const source = bench.sourceAt(`${bench.folder}/${"x".repeat(200)}`);
  const { reason } = refusal(await ask(source, MEMBER));
  assertStringIncludes(reason, "Cannot connect to");
});

Deno.test("TailscaledSource asks once for a key, however many connections want to know", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  const verdicts = [MEMBER, MEMBER, STRANGER, MEMBER].map((who) =>
    bench.admit(who)
  );
  assertEquals(
    (await Promise.all(verdicts)).map(({ allow }) => allow),
    [true, true, false, true],
  );
  const whois = () =>
    daemon.questions.filter(({ target }) => target.includes("whois")).length;
  assertEquals(whois(), 2);
  await bench.admit(MEMBER);
  assertEquals(whois(), 3);
});

Deno.test("TailscaledSource puts at most 64 questions at a time, and shares one status", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  daemon.behaviour = "old";
  const gate = Promise.withResolvers<void>();
  daemon.gate = gate.promise;
  const verdicts = Array.from(
    { length: 70 },
    (_, i) => bench.admit(numbered(i)),
  );
  await until(() => daemon.questions.length === 64);
  gate.resolve();
  for (const verdict of verdicts) refusal(await verdict);
  const asked = Map.groupBy(
    daemon.questions,
    ({ target }) => target.includes("whois") ? "whois" : "status",
  );
  assertEquals(asked.get("whois")?.length, 70);
  const statuses = asked.get("status")!.length;
  assert(statuses > 0 && statuses < 70, `${statuses} times`);
});

Deno.test("TailscaledSource refuses at once when 1,024 wait for a question", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  daemon.behaviour = "hanging";
  const verdicts = Array.from(
    { length: 64 + 1_024 },
    (_, i) => bench.admit(numbered(i)),
  );
  const { reason } = refusal(await bench.admit(MEMBER));
  assertStringIncludes(reason, "Too many questions");
  await until(() => daemon.questions.length === 64);
  await bench.clock.advance(5_000);
  for (const verdict of verdicts) refusal(await verdict);
  assertEquals(bench.clock.pending, 0);
});

/** Waits for what another task does with real sockets. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

for (const behaviour of ["good", "old"] as const) {
  Deno.test(`TailscaledSource.check() finds nothing where tailscaled is ${behaviour}`, async () => {
    await using bench = new Bench();
    await using daemon = bench.daemon();
    daemon.behaviour = behaviour;
    assertEquals(await bench.source.check(), undefined);
    assertEquals(
      daemon.questions.map(({ target }) => target),
      ["/localapi/v0/status?peers=false"],
    );
  });
}

Deno.test("TailscaledSource.check() says why nobody can be verified", async () => {
  await using bench = new Bench();
  const checked = async (expected: string) => {
    const { message, advice } = (await bench.source.check())!;
    const problem = `${message}; ${advice}`;
    assertStringIncludes(problem, expected);
    assert(!problem.includes("\n"));
  };
  await checked("is tailscaled running");
  await using daemon = bench.daemon();
  daemon.behaviour = "forbidding";
  await checked("tailscale set --operator");
  daemon.behaviour = "failing";
  await checked("status 500");
  daemon.behaviour = "html";
  await checked("does -socket name tailscaled's socket?");
});

Deno.test("TailscaledSource.check() finds a tailscaled that isn't logged in", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  daemon.backendState = "NeedsLogin";
  const problem = await bench.source.check();
  assertStringIncludes(
    problem?.message ?? "",
    'isn\'t ready: its state is "NeedsLogin"',
  );
  assertStringIncludes(problem?.advice ?? "", "is it up and logged in?");
});

for (const behaviour of ["good", "old"] as const) {
  Deno.test(`TailscaledSource can't tell while tailscaled is ${behaviour} but not running`, async () => {
    await using bench = new Bench();
    await using daemon = bench.daemon();
    daemon.behaviour = behaviour;
    for (const state of ["NoState", "Starting", "NeedsLogin", "Stopped"]) {
      daemon.backendState = state;
      const { reason, isClear } = refusal(await bench.admit(MEMBER));
      assert(!isClear, "nobody's access has ended by that");
      assertStringIncludes(reason, `its state is "${state}"`);
    }
    daemon.backendState = "Running";
    assertAdmitted(await bench.admit(MEMBER), bench);
  });
}

Deno.test("TailscaledSource refuses clearly while tailscaled knows its tailnet, also where it has no relay or is switched off", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  const self = { PublicKey: SELF.toString(), InNetworkMap: true };
  for (const state of ["Starting", "Stopped", "NeedsLogin"]) {
    daemon.status = { BackendState: state, Self: self, Peer: null };
    assert(refusal(await bench.admit(STRANGER)).isClear, state);
    assertEquals((await bench.source.check())?.message, undefined);
  }
});

Deno.test("TailscaledSource believes the list of a tailscaled that starts, whose whois doesn't know it yet", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  const node = (key: NodePublic) => ({
    PublicKey: key.toString(),
    InNetworkMap: true,
  });
  daemon.status = {
    BackendState: "Starting",
    Self: node(SELF),
    Peer: { [LATE.toString()]: node(LATE) },
  };
  assert((await bench.admit(LATE)).allow);
});

Deno.test("TailscaledSource finds the socket in a directory, whenever either comes", async () => {
  await using bench = new Bench();
  const folder = `${bench.folder}/run`;
  const sources = [folder, `${folder}/`].map((path) => bench.sourceAt(path));
  for (const source of sources) {
    const { reason } = refusal(await ask(source, MEMBER));
    assertStringIncludes(reason, `There is no "${folder}`);
  }
  await Deno.mkdir(folder);
  const path = `${folder}/tailscaled.sock`;
  for (const source of sources) {
    const { reason } = refusal(await ask(source, MEMBER));
    assertEquals(reason, `There is no "${path}"`);
  }
  await using _daemon = new FakeTailscaled(path, SELF, MEMBER);
  for (const source of sources) {
    assert((await ask(source, MEMBER)).allow);
    assert(!(await ask(source, STRANGER)).allow);
  }
});

Deno.test({
  name: "TailscaledSource tells whose a socket is that it may not use",
  ignore: Deno.uid() !== 0, // who isn't root can't have a socket of somebody else
  async fn() {
    await using bench = new Bench();
    await using _daemon = bench.daemon();
    await Deno.chown(bench.path, 12_345, 12_345);
    await Deno.chmod(bench.path, 0o600);
    await Deno.chmod(bench.folder, 0o755);
    const verdict = await asUser(4_321, () => bench.admit(MEMBER));
    const { reason, advice, isClear } = refusal(verdict);
    assert(!isClear);
    assertEquals(
      reason,
      `No permission to use "${bench.path}", which belongs to the user with id 12345 and has mode 0600`,
    );
    assertStringIncludes(advice, "run the relay as root or as");
  },
});

/** Runs `fn` with the rights of somebody else. */
async function asUser<T>(uid: number, fn: () => Promise<T>): Promise<T> {
  const libc = Deno.dlopen("libc.so.6", {
    seteuid: { parameters: ["u32"], result: "i32" },
  });
  assertEquals(libc.symbols.seteuid(uid), 0);
  try {
    return await fn();
  } finally {
    libc.symbols.seteuid(0);
    libc.close();
  }
}
