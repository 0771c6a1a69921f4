/** What AcmeSource keeps in its directory, and finds there. */
import type { AcmeOptions } from "../../src/certs/acme.ts";
import { makeEcKey, toPkcs8 } from "../../src/certs/acme_key.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import { Fixture, HOST, soon } from "../support/acme_source.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { listDir, withDir } from "../support/certs/cert_dir.ts";
import { makeCertificate } from "../support/fake_acme_server.ts";
import { FakeClock } from "../support/fake_clock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

Deno.test("AcmeSource takes a stored certificate at the start, and one that comes later on reload()", async () => {
  await withDir({}, async (dir) => {
    const key = await makeEcKey();
    const put = async (names: string[], now: Date) => {
      const chain = await makeCertificate(toPkcs8(key), { names, now });
      await Deno.writeTextFile(`${dir}/${HOST}`, key + chain);
    };
    await put([HOST], new FakeClock().date());
    await using fixture = new Fixture(dir);
    await fixture.start();
    assertEquals(fixture.server.orders.length, 0);
    assertEquals(fixture.changes, 0);
    const { sha256 } = fixture.source.current!.facts;
    await fixture.source.reload();
    assertEquals(fixture.changes, 0);
    await put(["other.test"], fixture.clock.date());
    await fixture.source.reload();
    assertEquals(fixture.source.current!.facts.sha256, sha256);
    await put([HOST], fixture.clock.date());
    await fixture.source.reload();
    assertEquals(fixture.changes, 1);
    const later = fixture.source.current!.facts.sha256;
    assert(later !== sha256);
    await put([HOST], new Date(fixture.clock.date().getTime() - DAY_MS));
    await fixture.source.reload();
    assertEquals(fixture.source.current!.facts.sha256, later);
    await fixture.idle();
  });
});

Deno.test("AcmeSource takes the stored certificate when the clock has been set right", async () => {
  await withDir({}, async (dir) => {
    const fake = new FakeClock();
    let date = new Date("1970-01-01T00:00:10Z");
    const key = await makeEcKey();
    const chain = await makeCertificate(toPkcs8(key), {
      names: [HOST],
      now: fake.date(),
    });
    await Deno.writeTextFile(`${dir}/${HOST}`, key + chain);
    const clock = {
      nowMs: () => fake.nowMs(),
      date: () => date,
      after: (ms: number, fn: () => void) => fake.after(ms, fn),
    };
    await using fixture = new Fixture(dir, { clock });
    fixture.server.fail = () => {
      throw new Error("certificate not valid yet");
    };
    await fixture.source.start(() => void fixture.changes++);
    await soon(() => fake.pending > 0);
    assertEquals(fixture.source.current, undefined);
    assertEquals(fixture.server.orders.length, 1);
    date = fake.date();
    await fake.advance(2 * 60_000);
    await soon(() => fixture.source.current !== undefined);
    assertEquals(fixture.server.orders.length, 1);
    assertEquals(fixture.changes, 1);
  });
});

Deno.test("AcmeSource gets a new certificate where the stored one is damaged", async () => {
  await withDir({ [HOST]: "-----BEGIN CERT" }, async (dir) => {
    await using log = await CapturedLog.start();
    await using fixture = new Fixture(dir);
    await fixture.start();
    assertEquals(fixture.source.current?.facts.names, [HOST]);
    assertEquals(log.matching("stored certificate is not used").length, 1);
    assertEquals(await listDir(dir), ["acme_account+key", HOST]);
  });
});

Deno.test("AcmeSource serves a certificate that it can't keep, and says so", async () => {
  await withDir({}, async (dir) => {
    await using log = await CapturedLog.start();
    await Deno.mkdir(`${dir}/${HOST}`); // nothing can take its place
    await using fixture = new Fixture(dir);
    await fixture.start();
    assertEquals(fixture.source.current?.facts.names, [HOST]);
    assertEquals(log.matching("Cannot write certificate").length, 1);
    assertEquals(await listDir(dir), ["acme_account+key", HOST]);
  });
});

Deno.test("AcmeSource.start() rejects what only an operator can put right, in one line", async () => {
  const start = (dir: string, options: Partial<AcmeOptions> = {}) =>
    new Fixture(dir, options).source.start(() => {});
  await withDir(
    { "acme_account+key": "nonsense", file: "" },
    async (dir) => {
      const cases: [string, RegExp][] = [
        [
          dir,
          /^Cannot use ACME account key ".*\+key": it holds no private key; /,
        ],
        [`${dir}/file`, /^Cannot (read|make) ACME account key /],
      ];
      for (const [path, message] of cases) {
        const error = await assertRejects(() => start(path), OperatorError);
        assertMatch(error.message, message);
        assert(!error.message.includes("\n"));
      }
      assertThrows(() => new Fixture(""), OperatorError, "-certdir is empty");
      assertThrows(
        () => new Fixture(dir, { hostname: "../.." }),
        OperatorError,
        "no host name",
      );
    },
  );
});
