/** Verdicts of a tailscaled on a unix socket, and of an admission controller over HTTP. */
import type { Verdict } from "../../src/admission/admission.ts";
import { TailscaledAdmission } from "../../src/admission/tailscaled.ts";
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
const ADMITTED: Verdict = { allow: true };

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
  readonly admission = new TailscaledAdmission({
    socketPath: this.path,
    clock: this.clock,
  });

  daemon(): FakeTailscaled {
    return new FakeTailscaled(this.path, SELF, MEMBER);
  }

  admit(who: NodePublic): Promise<Verdict> {
    return this.admission.admit({ key: who, ip: "192.0.2.1" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function refusal(verdict: Verdict): { reason: string; advice: string } {
  if (verdict.allow) throw new Error("Admitted");
  const { reason, advice = "" } = verdict;
  assert(!/[\r\n]/.test(reason + advice), "it is one line");
  return { reason, advice };
}

for (const behaviour of ["good", "old"] as const) {
  Deno.test(`TailscaledAdmission admits members and itself, but no stranger, where tailscaled is ${behaviour}`, async () => {
    await using bench = new Bench();
    await using daemon = bench.daemon();
    daemon.behaviour = behaviour;
    assertEquals(await bench.admit(MEMBER), ADMITTED);
    assertEquals(await bench.admit(SELF), ADMITTED);
    const { reason, advice } = refusal(await bench.admit(STRANGER));
    assertStringIncludes(reason, "Not found in the tailnet");
    assertStringIncludes(advice, "tailscale status");
    assertEquals(bench.clock.pending, 0);
  });
}

Deno.test("TailscaledAdmission asks whois by node key, of the host that tailscaled wants", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  await bench.admit(MEMBER);
  assertEquals(daemon.questions, [{
    target: `/localapi/v0/whois?addr=nodekey%3A${MEMBER.hex()}`,
    host: "local-tailscaled.sock",
  }]);
});

Deno.test("TailscaledAdmission asks for the status only where whois knows no node keys", async () => {
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
  Deno.test(`TailscaledAdmission refuses a member while tailscaled is ${behaviour}`, async () => {
    await using bench = new Bench();
    await using daemon = bench.daemon();
    daemon.behaviour = behaviour;
    const { reason, advice } = refusal(await bench.admit(MEMBER));
    assertStringIncludes(reason, why);
    assertStringIncludes(advice, remedy);
    daemon.behaviour = "good";
    assertEquals(await bench.admit(MEMBER), ADMITTED);
  });
}

Deno.test("TailscaledAdmission refuses after 5 s without an answer", async () => {
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

Deno.test("TailscaledAdmission finds a socket that appears, goes and is made anew", async () => {
  await using bench = new Bench();
  const missing = refusal(await bench.admit(MEMBER));
  assertEquals(missing.reason, `There is no "${bench.path}"`);
  assertStringIncludes(missing.advice, `mount the directory ${bench.folder},`);
  for (let i = 0; i < 3; i++) {
    await using _daemon = bench.daemon();
    assertEquals(await bench.admit(MEMBER), ADMITTED);
    assertEquals(await bench.admit(MEMBER), ADMITTED);
  }
  refusal(await bench.admit(MEMBER));
});

Deno.test("TailscaledAdmission refuses while nobody listens on the socket", async () => {
  await using bench = new Bench();
  await Deno.writeTextFile(bench.path, ""); // connecting to it fails alike
  const { reason, advice } = refusal(await bench.admit(MEMBER));
  assertStringIncludes(reason, "refused");
  assertStringIncludes(advice, "start tailscaled; in a container mount");
});

Deno.test("TailscaledAdmission refuses a path that can't be a socket's", async () => {
  await using bench = new Bench();
  const admission = new TailscaledAdmission({
    socketPath: `${bench.folder}/${"x".repeat(200)}`,
    clock: bench.clock,
  });
  const { reason } = refusal(await admission.admit({ key: MEMBER, ip: "::1" }));
  assertStringIncludes(reason, "Cannot connect to");
});

Deno.test("TailscaledAdmission asks once for a key, however many connections want to know", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  const verdicts = [MEMBER, MEMBER, STRANGER, MEMBER].map((who) =>
    bench.admit(who)
  );
  assertEquals(
    (await Promise.all(verdicts)).map(({ allow }) => allow),
    [true, true, false, true],
  );
  assertEquals(daemon.questions.length, 2);
  await bench.admit(MEMBER);
  assertEquals(daemon.questions.length, 3);
});

Deno.test("TailscaledAdmission puts at most 64 questions at a time, and shares one status", async () => {
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

Deno.test("TailscaledAdmission refuses at once when 1,024 wait for a question", async () => {
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
  Deno.test(`TailscaledAdmission.check() finds nothing where tailscaled is ${behaviour}`, async () => {
    await using bench = new Bench();
    await using daemon = bench.daemon();
    daemon.behaviour = behaviour;
    assertEquals(await bench.admission.check(), undefined);
    assertEquals(daemon.questions.slice(0, 2).map(({ target }) => target), [
      "/localapi/v0/status?peers=false",
      `/localapi/v0/whois?addr=${encodeURIComponent(SELF.toString())}`,
    ]);
  });
}

Deno.test("TailscaledAdmission.check() says why nobody can be verified", async () => {
  await using bench = new Bench();
  const checked = async (expected: string) => {
    const problem = await bench.admission.check() ?? "";
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

Deno.test("TailscaledAdmission.check() finds a tailscaled that doesn't know itself", async () => {
  await using bench = new Bench();
  await using daemon = bench.daemon();
  daemon.knowsItself = false;
  assertStringIncludes(
    await bench.admission.check() ?? "",
    "doesn't know its own node; is it logged in?",
  );
});
