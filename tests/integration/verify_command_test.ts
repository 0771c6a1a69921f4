/** `derper verify` as an operator runs it, against tailscaleds and controllers that are made up. */
import type { NodePublic } from "../../src/keys/node_key.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { FakeTailscaled } from "../support/fake_tailscaled.ts";
import { runCommand } from "../support/relay_program.ts";
import { testKey } from "../support/test_keys.ts";

const [SELF, MEMBER, STRANGER] = [1, 2, 3].map((n) => testKey(n).publicKey) as [
  NodePublic,
  NodePublic,
  NodePublic,
];

/** Two tailnets: `a` has a node that `b` doesn't. */
class TwoTailnets implements AsyncDisposable {
  readonly dir: string;
  readonly a: FakeTailscaled;
  readonly b: FakeTailscaled;

  constructor(dir: string) {
    this.dir = dir;
    this.a = new FakeTailscaled(`${dir}/a`, SELF, MEMBER);
    this.b = new FakeTailscaled(`${dir}/b`, SELF);
  }

  static async start(): Promise<TwoTailnets> {
    return new TwoTailnets(await Deno.makeTempDir());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.a[Symbol.asyncDispose]();
    await this.b[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** The exit code and the lines of `derper verify`. */
async function verify(
  key: NodePublic,
  ...flags: readonly string[]
): Promise<{ code: number; lines: string[] }> {
  const { code, stdout, stderr } = await runCommand(
    "verify",
    key.toString(),
    ...flags,
  );
  assertEquals(stderr, "");
  return { code, lines: stdout.trimEnd().split("\n") };
}

Deno.test("derper verify says who admits a member and who refuses it, and exits with 0", async () => {
  await using two = await TwoTailnets.start();
  const sockets = `-socket=${two.dir}/a,${two.dir}/b`;
  const { code, lines } = await verify(MEMBER, "-verify-clients", sockets);
  assertEquals(code, 0);
  assertEquals(lines.length, 3);
  assertMatch(lines[0]!, /^tailscaled at .*\/a"?: admitted.* \(\d+ ms\)$/);
  assertMatch(
    lines[1]!,
    /^tailscaled at .*\/b"?: refused \(\d+ ms\): \S.*; \S/,
  );
  assertMatch(lines[2]!, /: admitted by tailscaled at .*\/a"?$/);
  assert(lines[2]!.startsWith(`${MEMBER}: `));
});

Deno.test("derper verify keeps to the policy, and exits with 1 for who is refused", async () => {
  await using two = await TwoTailnets.start();
  const sockets = `-socket=${two.dir}/a,${two.dir}/b`;
  const flags = ["-verify-clients", sockets];
  const all = await verify(MEMBER, ...flags, "-verify-policy=all");
  assertEquals(all.code, 1);
  assertEquals(
    all.lines[2]!,
    `${MEMBER}: refused; every source has to admit it`,
  );
  const stranger = await verify(STRANGER, ...flags);
  assertEquals(stranger.code, 1);
  assertMatch(stranger.lines[0]!, /: refused /);
  assertMatch(stranger.lines[1]!, /: refused /);
});

Deno.test("derper verify says of each source that is down that it can't tell, and why", async () => {
  await using two = await TwoTailnets.start();
  two.b.behaviour = "forbidding";
  const { dir } = two;
  const sockets = `-socket=${dir}/none,${dir}/b`;
  const { code, lines } = await verify(
    MEMBER,
    ...["-verify-clients", sockets, "-verify-keys-file", `${dir}/no-keys`],
  );
  assertEquals(code, 1);
  assertEquals(lines.length, 4);
  assertMatch(lines[0]!, /\/none"?: can't tell \(\d+ ms\): .*; is tailscaled/);
  assertMatch(lines[1]!, /\/b"?: can't tell \(\d+ ms\): .*403/);
  assertMatch(lines[2]!, /^keys file .*can't tell .*\/no-keys/);
  assertEquals(
    lines[3]!,
    `${MEMBER}: refused, nobody can tell; one source of each kind has to admit it`,
  );
});

Deno.test("derper verify asks a controller, and admits as the relay while that can't be reached", async () => {
  const asked: unknown[] = [];
  await using controller = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const question = await request.json();
      asked.push(question);
      return Response.json({ Allow: question.NodePublic === `${MEMBER}` });
    },
  );
  const url = `-verify-client-url=http://127.0.0.1:${controller.addr.port}/v`;
  assertEquals((await verify(MEMBER, url)).code, 0);
  assertEquals((await verify(STRANGER, url)).code, 1);
  assertEquals(asked[0], { NodePublic: `${MEMBER}`, Source: "127.0.0.1" });
  await controller.shutdown();
  const open = await verify(STRANGER, url);
  assertEquals(open.code, 0);
  assertStringIncludes(open.lines[0]!, ": can't tell ");
  assertStringIncludes(open.lines[1]!, ": admitted by nobody, for ");
  const failOpen = "-verify-client-url-fail-open=false";
  assertEquals((await verify(STRANGER, url, failOpen)).code, 1);
});

Deno.test("derper verify exits with 2 for a line that can't be used, and says what is wrong", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["nodekey:00", "-verify-clients"], /^derper: Invalid node key /],
    [[`${MEMBER}`], /^derper: Nobody is verified: /],
    [[`${MEMBER}`, "-verify-client"], /^derper: Unknown flag "-verify-client"/],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await runCommand("verify", ...args);
    assertEquals(code, 2);
    assertEquals(stdout, "");
    assertMatch(stderr, expected);
  }
});
