/** Certificates from files that change: taken where they are right, and otherwise left alone. */
import { ManualSource } from "../../src/certs/manual_source.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import {
  listDir,
  NOW,
  SERVER_KEY,
  withDir,
} from "../support/certs/cert_dir.ts";
import { KEYS } from "../support/certs/keys.ts";
import { FakeClock } from "../support/fake_clock.ts";

const [RSA, P256, P384] = [KEYS[0]!, KEYS[2]!, KEYS[6]!];
const FILES = { "derp.test.crt": P256.cert, "derp.test.key": P256.key };
const SETTLE_MS = 1_000;
const POLL_MS = 60_000;

/** A source for derp.test that has started. */
class TestSource implements AsyncDisposable {
  readonly clock = new FakeClock(NOW);
  /** What the calendar says. */
  date = NOW;
  readonly log: CapturedLog;
  readonly source: ManualSource;
  changes = 0;

  private constructor(log: CapturedLog, dir: string, files?: [string, string]) {
    this.log = log;
    this.source = new ManualSource({
      certDir: dir,
      files: files && {
        cert: `${dir}/${files[0]}`,
        key: `${dir}/${files[1]}`,
      },
      hostname: "derp.test",
      serverKey: SERVER_KEY,
      clock: {
        nowMs: () => this.clock.nowMs(),
        date: () => this.date,
        after: (delayMs, fn) => this.clock.after(delayMs, fn),
      },
    });
  }

  static async start(
    dir: string,
    files?: [string, string],
  ): Promise<TestSource> {
    const test = new TestSource(await CapturedLog.start(), dir, files);
    try {
      await test.source.start(() => test.changes++);
    } catch (error) {
      await test[Symbol.asyncDispose]();
      throw error;
    }
    return test;
  }

  /** Which of the fixtures is served. */
  get served(): string | undefined {
    const key = this.source.current?.tlsKeyPair().key;
    return KEYS.find((fixture) => fixture.key === key)?.name;
  }

  /** Waits for the system to do its part; the clock stands still meanwhile. */
  async until(what: () => boolean): Promise<void> {
    for (let tries = 0; !what(); tries++) {
      if (tries > 400) throw new Error(`It never came: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Lets pass what a look that fails waits between its tries. */
  async retry(looking: Promise<void>): Promise<void> {
    let isDone = false;
    void looking.then(() => isDone = true);
    while (!isDone) {
      await this.clock.advance(SETTLE_MS);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Lets a poll pass, and whatever it does. */
  async poll(): Promise<void> {
    await this.clock.advance(POLL_MS);
    await this.until(() => this.clock.pending === 1); // the next
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close();
    assertEquals(this.clock.pending, 0);
    await this.log[Symbol.asyncDispose]();
  }
}

async function write(dir: string, { cert, key }: Pair): Promise<void> {
  await Deno.writeTextFile(`${dir}/derp.test.crt`, cert);
  await Deno.writeTextFile(`${dir}/derp.test.key`, key);
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

Deno.test("ManualSource.start() throws what an operator has to put right, and leaves nothing running", async () => {
  await withDir({ "derp.test.crt": P256.cert }, async (dir) => {
    await assertRejects(
      () => TestSource.start(dir),
      OperatorError,
      `"${dir}/derp.test.key" is missing`,
    );
  });
});

Deno.test("ManualSource takes new files by itself a second after the system tells of them", async () => {
  await withDir(FILES, async (dir) => {
    await using test = await TestSource.start(dir);
    assertEquals([test.served, test.source.problem], [P256.name, undefined]);
    await write(dir, P384);
    await test.until(() => test.clock.pending === 2); // the poll, and this
    assertEquals(test.served, P256.name);
    await test.clock.advance(SETTLE_MS);
    await test.until(() => test.changes === 1);
    assertEquals(test.served, P384.name);
    assertStringIncludes(
      test.log.matching("took a new certificate")[0]!,
      `took a new certificate for derp.test, *.wild.test, 127.0.0.1, 2001:db8::1 from ${dir}/derp.test.crt, with 36459 days left`,
    );
    assertEquals(test.log.lines.length, 1);
  });
});

Deno.test("ManualSource finds what nobody told it of within a minute", async () => {
  await withDir({}, async (dir) => {
    // The directory itself is exchanged: its watch stays with the old one.
    await Deno.mkdir(`${dir}/live`);
    await write(`${dir}/live`, P256);
    await Deno.mkdir(`${dir}/next`);
    await write(`${dir}/next`, RSA);
    await using test = await TestSource.start(`${dir}/live`);
    await Deno.rename(`${dir}/live`, `${dir}/old`);
    await Deno.rename(`${dir}/next`, `${dir}/live`);
    await test.clock.advance(POLL_MS);
    await test.until(() => test.changes === 1);
    assertEquals(test.served, RSA.name);
  });
});

Deno.test("ManualSource follows certbot's links", async () => {
  await withDir({}, async (dir) => {
    const add = async (number: number, pair: Pair) => {
      for (const kind of ["fullchain", "privkey"]) {
        const name = `${kind}${number}.pem`;
        const text = kind === "fullchain" ? pair.cert : pair.key;
        await Deno.writeTextFile(`${dir}/archive/a/${name}`, text);
        await Deno.symlink(`../../archive/a/${name}`, `${dir}/live/a/new`);
        await Deno.rename(`${dir}/live/a/new`, `${dir}/live/a/${kind}.pem`);
      }
    };
    await Deno.mkdir(`${dir}/archive/a`, { recursive: true });
    await Deno.mkdir(`${dir}/live/a`, { recursive: true });
    await add(1, P256);
    const files = ["live/a/fullchain.pem", "live/a/privkey.pem"] as const;
    await using test = await TestSource.start(dir, [...files]);
    assertEquals(test.served, P256.name);
    await add(2, P384);
    await test.until(() => test.clock.pending === 2);
    await test.clock.advance(SETTLE_MS);
    await test.until(() => test.changes === 1);
    assertEquals(test.served, P384.name);
  });
});

Deno.test("ManualSource waits for the second half of a pair, and says nothing", async () => {
  await withDir(FILES, async (dir) => {
    await using test = await TestSource.start(dir);
    await Deno.writeTextFile(`${dir}/derp.test.crt`, P384.cert);
    await test.until(() => test.clock.pending === 2); // as above
    const looking = test.source.reload();
    await test.until(() => test.clock.pending === 3); // the first try has failed
    await Deno.writeTextFile(`${dir}/derp.test.key`, P384.key);
    await test.retry(looking);
    assertEquals([test.served, test.changes], [P384.name, 1]);
    assertEquals(test.log.matching("can't be used"), []);
    assertEquals(test.source.problem, undefined);
  });
});

/** What an operator may leave in place of the two files, and what the one line about it says. */
const FAULTS: readonly [string, Partial<Pair> | "gone", string][] = [
  ["another key", { key: RSA.key }, "does not belong to certificate"],
  ["an empty certificate", { cert: "" }, "it is empty"],
  ["half a certificate", { cert: P384.cert.slice(0, 500) }, "is damaged PEM"],
  ["garbage", { cert: "\0".repeat(5000) }, 'holds no PEM "CERTIFICATE"'],
  ["too much", { key: "x".repeat(2 ** 20 + 1) }, "larger than 1024 KiB"],
  ["no files", "gone", "neither"],
];

for (const [name, fault, why] of FAULTS) {
  Deno.test(`ManualSource keeps the old certificate for ${name}, and says why once`, async () => {
    await withDir(FILES, async (dir) => {
      await using test = await TestSource.start(dir);
      if (fault === "gone") {
        for (const file of await listDir(dir)) {
          await Deno.remove(`${dir}/${file}`);
        }
      } else await write(dir, { ...P256, ...fault });
      await test.retry(test.source.reload());
      assertStringIncludes(test.source.problem ?? "", why);
      assertEquals([test.served, test.changes], [P256.name, 0]);
      const [line] = test.log.matching(why);
      assertStringIncludes(line!, "the old certificate with 36459 days left");
      assertStringIncludes(line!, `${dir}/derp.test.`);
      for (let polls = 0; polls < 3; polls++) await test.poll();
      assertEquals(test.log.lines.length, 1);
      await test.source.reload(); // who asks is told again
      assertEquals(test.log.matching(why).length, 2);
      await write(dir, P384);
      await test.source.reload();
      assertEquals([test.served, test.changes], [P384.name, 1]);
      assertEquals(test.source.problem, undefined);
    });
  });
}

Deno.test("ManualSource tells of another fault, and that all is as it was", async () => {
  await withDir(FILES, async (dir) => {
    await using test = await TestSource.start(dir);
    await write(dir, { ...P256, cert: "" });
    await test.retry(test.source.reload());
    await write(dir, { ...P256, key: "" });
    await test.retry(test.source.reload());
    assertEquals(test.log.matching("can't be used").length, 2);
    await write(dir, P256);
    await test.source.reload();
    assertStringIncludes(test.log.lines[2]!, "are again as they were");
    assertEquals([test.source.problem, test.changes], [undefined, 0]);
  });
});

Deno.test("ManualSource takes a certificate when its time has come, and speaks of it once before", async () => {
  await withDir(FILES, async (dir) => {
    await using test = await TestSource.start(dir);
    test.date = new Date("2026-11-20T00:00:00Z");
    await write(dir, P384);
    await test.retry(test.source.reload());
    assertStringIncludes(test.source.problem ?? "", "is not valid before");
    test.date = new Date("2026-11-21T00:00:00Z");
    await test.source.reload(); // names another time, and is the same fault
    assertEquals(test.log.matching("is not valid before").length, 2);
    test.date = NOW;
    await test.source.reload();
    assertEquals([test.served, test.source.problem], [P384.name, undefined]);
  });
});

Deno.test("ManualSource.reload() changes nothing where nothing changed", async () => {
  await withDir(FILES, async (dir) => {
    await using test = await TestSource.start(dir);
    const { current } = test.source;
    await write(dir, P256); // touched
    await Promise.all([test.source.reload(), test.source.reload()]);
    assert(test.source.current === current);
    assertEquals(test.changes, 0);
    assertStringIncludes(test.log.lines[0]!, "have not changed");
  });
});

Deno.test("ManualSource.close() ends a look that waits", async () => {
  await withDir(FILES, async (dir) => {
    const test = await TestSource.start(dir);
    await Deno.writeTextFile(`${dir}/derp.test.key`, "");
    await test.until(() => test.clock.pending === 2);
    const looking = test.source.reload();
    await test.until(() => test.clock.pending === 3);
    await test[Symbol.asyncDispose]();
    await looking;
    assertEquals([test.served, test.source.problem], [P256.name, undefined]);
    await test.source.reload();
  });
});
