/** `derper keys export`: from a tailscaled's socket to a file that the relay reads. */
import { KeysFileSource } from "../../src/admission/keys_file.ts";
import { exportKeys } from "../../src/commands/keys_export.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { type Behaviour, FakeTailscaled } from "../support/fake_tailscaled.ts";
import { testKey } from "../support/test_keys.ts";

const [SELF, ANN, BOB] = [1, 2, 3].map((n) => testKey(n).publicKey) as [
  Key,
  Key,
  Key,
];
type Key = ReturnType<typeof testKey>["publicKey"];

const STATUS = {
  Version: "1.102.5",
  BackendState: "Running",
  CurrentTailnet: { Name: "example.org", MagicDNSEnabled: true },
  Self: {
    PublicKey: `${SELF}`,
    HostName: "self",
    DNSName: "self.example.ts.net.",
    InNetworkMap: true,
  },
  Peer: {
    [`${BOB}`]: {
      PublicKey: `${BOB}`,
      HostName: "Bob's phone\nnodekey:",
      DNSName: "",
      InNetworkMap: true,
      ShareeNode: true,
    },
    [`${ANN}`]: {
      PublicKey: `${ANN}`,
      HostName: "ann",
      DNSName: "ann.example.ts.net.",
      InNetworkMap: true,
      KeyExpiry: "2026-06-01T00:00:00Z",
    },
    [`${testKey(4).publicKey}`]: { HostName: "old", Expired: true },
  },
};

const LINES = `${BOB} Bob's phone nodekey:
${ANN} ann.example.ts.net
${SELF} self.example.ts.net
`;

/** A tailscaled, and a directory for lists. */
class Test implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly dir: string;
  readonly socketPath: string;
  readonly out: string;
  readonly tailscaled: FakeTailscaled;
  printed = "";

  private constructor(dir: string) {
    this.dir = dir;
    this.socketPath = `${dir}/tailscaled.sock`;
    this.out = `${dir}/keys.txt`;
    this.tailscaled = new FakeTailscaled(this.socketPath, SELF, ANN, BOB);
  }

  static async start(status?: unknown): Promise<Test> {
    const test = new Test(await Deno.makeTempDir());
    test.tailscaled.status = status;
    return test;
  }

  export(outputPath?: string, socketPath = this.socketPath): Promise<string> {
    return exportKeys({
      socketPath,
      outputPath,
      clock: this.clock,
      print: (text) => void (this.printed += text),
    });
  }

  /** The message with which it fails, of one line. */
  async failure(outputPath?: string, socketPath?: string): Promise<string> {
    const error = await assertRejects(
      () => this.export(outputPath, socketPath),
      OperatorError,
    );
    assertEquals(error.message.split("\n").length, 1);
    return error.message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tailscaled[Symbol.asyncDispose]();
    assertEquals(this.clock.pending, 0);
    await Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("exportKeys() prints a sorted list that says when and from where it is", async () => {
  await using test = await Test.start(STATUS);
  assertEquals(
    await test.export(),
    "wrote 3 nodes, without 1 whose keys have expired or can't be used, to the standard output",
  );
  assertEquals(
    test.printed,
    `# The nodes of the tailnet example.org for -verify-keys-file, one to a line: its key, and its name for the log
# Written by "derper keys export" at 2026-01-02T03:04:05Z from tailscaled at "${test.socketPath}" on self.example.ts.net
${LINES}`,
  );
  assertEquals(test.tailscaled.questions.map(({ target }) => target), [
    "/localapi/v0/status",
  ]);
});

Deno.test("exportKeys() makes a file that everybody may read and KeysFileSource takes", async () => {
  await using test = await Test.start();
  const umask = Deno.umask(0o077);
  try {
    assertEquals(await test.export(test.out), `wrote 3 nodes to ${test.out}`);
  } finally {
    Deno.umask(umask);
  }
  assertEquals(test.printed, "");
  assertEquals((await Deno.stat(test.out)).mode! & 0o777, 0o644);
  const { clock } = test;
  const source = await KeysFileSource.load({ path: test.out, clock });
  try {
    assertEquals(source.list.size, 3);
    assert([SELF, ANN, BOB].every((key) => source.list.has(key)));
  } finally {
    await source.close();
  }
});

Deno.test("exportKeys() replaces a file as a whole, and leaves a link to it", async () => {
  await using test = await Test.start(STATUS);
  const link = `${test.dir}/link`;
  await Deno.writeTextFile(test.out, "an old list\n");
  await Deno.symlink("keys.txt", link);
  using old = await Deno.open(test.out);
  await test.export(link);
  assert((await Deno.lstat(link)).isSymlink);
  assertStringIncludes(await Deno.readTextFile(test.out), LINES);
  const buffer = new Uint8Array(100);
  const bytes = await old.read(buffer);
  assertEquals(
    new TextDecoder().decode(buffer.subarray(0, bytes ?? 0)),
    "an old list\n",
  );
});

const EMPTY: Record<string, unknown> = {
  "isn't logged in": {
    BackendState: "NeedsLogin",
    Self: { PublicKey: `nodekey:${"0".repeat(64)}` },
    Peer: null,
  },
  "has no network map as yet": {
    BackendState: "Starting",
    Self: { PublicKey: `${SELF}`, InNetworkMap: false },
    Peer: {},
  },
  "has nothing but expired nodes": {
    BackendState: "NeedsLogin",
    Self: { PublicKey: `${SELF}`, Expired: true },
  },
};

for (const [what, status] of Object.entries(EMPTY)) {
  Deno.test(`exportKeys() leaves the old file where tailscaled ${what}`, async () => {
    await using test = await Test.start(status);
    await Deno.writeTextFile(test.out, LINES);
    assertStringIncludes(
      await test.failure(test.out),
      "an empty list would refuse everybody: nothing was written",
    );
    assertEquals(await Deno.readTextFile(test.out), LINES);
    await test.failure();
    assertEquals(test.printed, "");
  });
}

const ANSWERS: [behaviour: Behaviour, message: string, advice: string][] = [
  ["forbidding", "status 403", "run this as root"],
  ["failing", "status 500", "does -socket name"],
  ["html", "<!doctype html>", "does -socket name"],
  ["half", "status 200", "does -socket name"],
  ["cut off", "cut off", "does -socket name"],
  ["garbage", "isn't HTTP", "does -socket name"],
  ["redirecting", "status 302", "does -socket name"],
  ["closing", "cut off", "does -socket name"],
];

for (const [behaviour, message, advice] of ANSWERS) {
  Deno.test(`exportKeys() writes nothing where tailscaled is ${behaviour}`, async () => {
    await using test = await Test.start(STATUS);
    test.tailscaled.behaviour = behaviour;
    const said = await test.failure(test.out);
    assertStringIncludes(said, message);
    assertStringIncludes(said, advice);
    const files = await Array.fromAsync(Deno.readDir(test.dir));
    assertEquals(files.map(({ name }) => name), ["tailscaled.sock"]);
  });
}

Deno.test("exportKeys() gives up on a tailscaled that hangs", async () => {
  await using test = await Test.start(STATUS);
  test.tailscaled.behaviour = "hanging";
  const failure = test.failure();
  while (test.tailscaled.questions.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await test.clock.advance(10_000);
  assertStringIncludes(await failure, "No answer from");
});

Deno.test("exportKeys() says where it found no tailscaled", async () => {
  await using test = await Test.start(STATUS);
  const missing = `${test.dir}/other.sock`;
  assertEquals(
    await test.failure(undefined, missing),
    `Cannot export keys: There is no "${missing}"; run this where tailscaled runs, and name its socket with -socket if it is another one`,
  );
});

Deno.test("exportKeys() replaces no device and no directory", async () => {
  await using test = await Test.start(STATUS);
  const pipe = `${test.dir}/stdout`;
  await Deno.symlink("/dev/null", pipe);
  for (const path of [pipe, test.dir]) {
    assertStringIncludes(
      await test.failure(path),
      `Cannot write keys file "${path}": it is no regular file; name another file with -o`,
    );
  }
  assert((await Deno.lstat(pipe)).isSymlink);
});

Deno.test("exportKeys() finds the socket in a directory", async () => {
  await using test = await Test.start(STATUS);
  await test.export(undefined, test.dir);
  assertStringIncludes(test.printed, LINES);
});
