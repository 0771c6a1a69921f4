/** The list of `-verify-keys-file` while its file changes, as files do. */
import { KeysFileSource } from "../../src/admission/keys_file.ts";
import type { Answer } from "../../src/admission/source.ts";
import type { Clock } from "../../src/util/clock.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testKey } from "../support/test_keys.ts";

const [ANN, BOB] = [testKey(1).publicKey, testKey(2).publicKey];
const [ANN_LINE, BOB_LINE] = [`${ANN} ann\n`, `${BOB} bob\n`];
const POLL_MS = 60_000;
/** What was read is looked at again after this time. */
const SETTLE_MS = 1_000;

/** A source with a file in a directory of its own. */
class Test implements AsyncDisposable {
  readonly clock = new FakeClock();
  /** How often somebody waited for what was read to settle. */
  settling = 0;
  readonly dir: string;
  readonly path: string;
  readonly log: CapturedLog;
  source!: KeysFileSource;

  private constructor(dir: string, log: CapturedLog) {
    this.dir = dir;
    this.path = `${dir}/keys.txt`;
    this.log = log;
  }

  /** Without a source as yet. */
  static async make(): Promise<Test> {
    return new Test(await Deno.makeTempDir(), await CapturedLog.start());
  }

  /** With one whose file holds `text`. */
  static async start(text: string): Promise<Test> {
    const test = await Test.make();
    await test.write(text);
    await test.load();
    return test;
  }

  async load(): Promise<void> {
    const clock: Clock = {
      nowMs: () => this.clock.nowMs(),
      date: () => this.clock.date(),
      after: (delayMs, fn) => {
        if (delayMs === SETTLE_MS) this.settling++;
        return this.clock.after(delayMs, fn);
      },
    };
    this.source = await KeysFileSource.load({ path: this.path, clock });
  }

  async write(text: string): Promise<void> {
    await Deno.writeTextFile(this.path, text);
  }

  /** Lets time pass until `what`; the system does its part meanwhile. */
  async until(what: () => boolean, stepMs = SETTLE_MS / 2): Promise<void> {
    for (let tries = 0; !what(); tries++) {
      if (tries > 1_000) throw new Error(`It never came: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await this.clock.advance(stepMs);
    }
  }

  /** Asks for a look, and lets pass what it takes. */
  async reload(): Promise<void> {
    let isDone = false;
    void this.source.reload().then(() => isDone = true);
    await this.until(() => isDone);
  }

  /** Who is admitted of Ann and Bob. */
  async admitted(): Promise<string[]> {
    const names: string[] = [];
    for (const key of [ANN, BOB]) {
      const answer = await this.ask(key);
      if (answer.admitted) names.push(answer.node ?? "?");
    }
    return names;
  }

  ask(key: typeof ANN): Promise<Answer> {
    return this.source.ask({ key, ip: "192.0.2.1" });
  }

  /** Lines of the log without time and level. */
  said(): string[] {
    return this.log.lines.map((line) => line.replace(/^.*? admission: /, ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source?.close();
    assertEquals(this.clock.pending, 0);
    await this.log[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("KeysFileSource admits whom the file lists, by name", async () => {
  await using test = await Test.start(ANN_LINE);
  assertEquals(await test.ask(ANN), { admitted: true, node: "ann" });
  assertEquals(await test.ask(BOB), {
    admitted: false,
    reason: `Not among the 1 node of keys file "${test.path}"`,
    advice:
      'add its line to the file, or write it anew with "derper keys export" on a node of the tailnet',
  });
  assertEquals(test.source.kind, "keys-file");
  assertEquals(test.source.name, `keys file "${test.path}"`);
});

const FAULTS: Record<string, (path: string) => Promise<void>> = {
  "it does not exist": () => Promise.resolve(),
  "it is a directory": (path) => Deno.mkdir(path),
  "it is no regular file": (path) => Deno.symlink("/dev/null", path),
  "it is larger than 16384 KiB": async (path) => {
    await Deno.writeTextFile(path, ANN_LINE);
    await Deno.truncate(path, 16 * 1024 * 1024 + 1);
  },
  "it is empty": (path) => Deno.writeTextFile(path, ""),
  "it lists no node key": (path) => Deno.writeTextFile(path, "<html>"),
  "it begins as JSON but isn't": (path) => Deno.writeTextFile(path, '{"Self'),
};

for (const [why, make] of Object.entries(FAULTS)) {
  Deno.test(`KeysFileSource.load() says in one line that ${why}, and leaves nothing running`, async () => {
    await using test = await Test.make();
    await make(test.path);
    const error = await assertRejects(() => test.load(), OperatorError);
    assertStringIncludes(error.message, `keys file "${test.path}": ${why}`);
    assertStringIncludes(error.message, "derper keys export");
    assertEquals(error.message.split("\n").length, 1);
  });
}

Deno.test("KeysFileSource.load() names bad lines, and the rest counts", async () => {
  await using test = await Test.start(`${ANN_LINE}bad\n${BOB_LINE}`);
  assertEquals(await test.admitted(), ["ann", "bob"]);
  assertEquals(test.said(), [
    `keys file "${test.path}" lists 2 nodes`,
    `of keys file "${test.path}" the rest counts, but line 2 doesn't begin with "nodekey:" and 64 hexadecimal digits`,
  ]);
});

/** Ways to put a new list in the place of the old one. */
const SWAPS: Record<string, (test: Test) => Promise<void>> = {
  "renaming a new file": async ({ dir, path }) => {
    await Deno.writeTextFile(`${dir}/new`, BOB_LINE);
    await Deno.rename(`${dir}/new`, path);
  },
  "removing it and making it again": async (test) => {
    await Deno.remove(test.path);
    await test.write(BOB_LINE);
  },
  "writing it in place": (test) => test.write(BOB_LINE),
  "putting a link in its place": async ({ dir, path }) => {
    await Deno.mkdir(`${dir}/other`);
    await Deno.writeTextFile(`${dir}/other/list`, BOB_LINE);
    await Deno.symlink("other/list", `${dir}/link`);
    await Deno.rename(`${dir}/link`, path);
  },
};

for (const [how, swap] of Object.entries(SWAPS)) {
  Deno.test(`KeysFileSource takes a new list after ${how}`, async () => {
    await using test = await Test.start(ANN_LINE);
    await test.until(() => test.clock.pending === 1); // the first look is over
    await swap(test);
    await test.until(() => test.log.matching("now lists").length > 0);
    assertEquals(await test.admitted(), ["bob"]);
    assertEquals(
      test.said().at(-1),
      `keys file "${test.path}" now lists 1 node: 1 new, 1 gone`,
    );
  });
}

Deno.test("KeysFileSource takes a new list after a switch of Kubernetes' ..data", async () => {
  await using test = await Test.make();
  const { dir, path } = test;
  for (const [name, line] of [["v1", ANN_LINE], ["v2", BOB_LINE]]) {
    await Deno.mkdir(`${dir}/${name}`);
    await Deno.writeTextFile(`${dir}/${name}/keys.txt`, line!);
  }
  await Deno.symlink("v1", `${dir}/..data`);
  await Deno.symlink("..data/keys.txt", path);
  await test.load();
  await test.until(() => test.clock.pending === 1);
  await Deno.symlink("v2", `${dir}/..data_tmp`);
  await Deno.rename(`${dir}/..data_tmp`, `${dir}/..data`);
  await Deno.remove(`${dir}/v1`, { recursive: true });
  await test.until(() => test.source.list.has(BOB));
  assertEquals(await test.admitted(), ["bob"]);
});

Deno.test("KeysFileSource notices a change of the file that its path links to", async () => {
  await using test = await Test.make();
  await Deno.mkdir(`${test.dir}/other`);
  await Deno.writeTextFile(`${test.dir}/other/list`, ANN_LINE);
  await Deno.symlink("other/list", test.path);
  await test.load();
  await test.until(() => test.clock.pending === 1);
  await Deno.writeTextFile(`${test.dir}/other/list`, BOB_LINE);
  await test.until(() => test.source.list.has(BOB));
});

Deno.test("KeysFileSource looks once a minute where the system tells nothing", async () => {
  await using test = await Test.make();
  const { dir, path } = test;
  await Deno.mkdir(`${dir}/a`);
  await Deno.mkdir(`${dir}/b`);
  await Deno.writeTextFile(`${dir}/a/list`, ANN_LINE);
  await Deno.writeTextFile(`${dir}/b/list`, BOB_LINE);
  await Deno.symlink("a", `${dir}/c`);
  test.source = await KeysFileSource.load({
    path: `${dir}/c/list`, // the directory is what changes, unwatched itself
    clock: test.clock,
  });
  await test.until(() => test.clock.pending === 1);
  await Deno.remove(`${dir}/c`);
  await Deno.symlink("b", `${dir}/c`);
  assertEquals(await test.admitted(), ["ann"]);
  await test.until(() => test.source.list.has(BOB), POLL_MS);
  assert(!await exists(path));
});

Deno.test("KeysFileSource waits until a file that is being written stays the same", async () => {
  await using test = await Test.start(ANN_LINE + BOB_LINE);
  await test.until(() => test.clock.pending === 1);
  await test.write(ANN_LINE); // the first half
  const looking = test.source.reload();
  await test.until(() => test.settling > 0, 0); // it has seen the half
  await test.write(`${ANN_LINE}${BOB_LINE}\n`);
  let isDone = false;
  void looking.then(() => isDone = true);
  await test.until(() => isDone);
  assertEquals(await test.admitted(), ["ann", "bob"]);
  assertEquals(test.log.matching("gone"), []);
});

Deno.test("KeysFileSource keeps the last good list of a broken file, and says so once", async () => {
  await using test = await Test.start(ANN_LINE);
  const BROKEN: (() => Promise<void>)[] = [
    () => test.write("<html>"),
    () => Deno.truncate(test.path, 0),
    () => Deno.truncate(test.path, 16 * 1024 * 1024 + 1),
    () => Deno.remove(test.path),
  ];
  for (const [i, makeIt] of BROKEN.entries()) {
    await makeIt();
    await test.until(() => test.log.matching("stays").length === i + 1);
    assertEquals(await test.admitted(), ["ann"]);
  }
  await test.clock.advance(3 * POLL_MS);
  const stays = test.log.matching("the last good list of 1 node stays");
  const why = ["no node key", "is empty", "16384 KiB", "does not exist"];
  assertEquals(stays.length, 4);
  stays.forEach((line, i) => assertStringIncludes(line, why[i]!));
  assertStringIncludes(test.source.problem ?? "", "does not exist");
  const refusal = await test.ask(BOB);
  assert(!refusal.admitted);
  assertStringIncludes(refusal.reason, "before it became unusable");

  await test.write(ANN_LINE);
  await test.until(() => test.source.problem === undefined);
  assertEquals(
    test.said().at(-1),
    `keys file "${test.path}" is good again and lists 1 node: 0 new, 0 gone`,
  );
});

Deno.test("KeysFileSource says nothing of a file with the same keys", async () => {
  await using test = await Test.start(`# at 1\n${ANN_LINE}`);
  await test.until(() => test.clock.pending === 1);
  await test.write(`# at 2\n${ANN} anna\n`);
  await test.until(() => test.source.list.nameOf(ANN) === "anna");
  assertEquals(test.said().length, 1);
});

Deno.test("KeysFileSource.reload() says what it finds", async () => {
  await using test = await Test.start(ANN_LINE);
  await test.reload();
  await Deno.remove(test.path);
  await test.reload();
  await test.reload();
  await test.write(BOB_LINE);
  await test.reload();
  const gone =
    `the last good list of 1 node stays: Cannot read keys file "${test.path}": it does not exist; `;
  const said = test.said();
  assertEquals(said.length, 5);
  assertEquals(said[1], `keys file "${test.path}" has not changed`);
  assertStringIncludes(said[2]!, gone);
  assertEquals(said[3], said[2]);
  assertStringIncludes(said[4]!, "is good again and lists 1 node: 1 new");
});

Deno.test("KeysFileSource.close() ends a look that is under way", async () => {
  await using test = await Test.start(ANN_LINE);
  await test.write(BOB_LINE);
  const looking = test.source.reload();
  await test.source.close();
  await looking;
  assertEquals(await test.admitted(), ["ann"]);
});

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
