/** AcmeSource over the months: renewal, the server's wishes, failures. */
import { makeEcKey, toPkcs8 } from "../../src/certs/acme_key.ts";
import { AcmeError } from "../../src/certs/acme_server.ts";
import { Fixture, HOST } from "../support/acme_source.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { withDir } from "../support/certs/cert_dir.ts";
import type { FakeAcmeServer } from "../support/fake_acme_server.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

Deno.test("AcmeSource renews when a third of the lifetime is left, and tells each change once", async () => {
  await withDir({}, async (dir) => {
    await using fixture = new Fixture(dir);
    const { server, source } = fixture;
    await fixture.start();
    assertEquals(fixture.changes, 1);
    assertEquals(server.orders[0]!.replaces, undefined);
    const first = source.current;
    await fixture.advance(59 * DAY_MS, 6 * HOUR_MS);
    assertEquals(server.orders.length, 1);
    await fixture.advance(DAY_MS, 6 * HOUR_MS);
    assertEquals(server.orders.length, 2);
    assertEquals(fixture.changes, 2);
    assert(source.current !== first);
    assert(server.orders[1]!.replaces !== undefined);
    assertEquals(
      server.orders[1]!.accountKey,
      server.orders[0]!.accountKey,
    );
    assert(
      server.orders[1]!.certificateKey !== server.orders[0]!.certificateKey,
    );
  });
});

Deno.test("AcmeSource renews in the window that the server suggests, and never storms a server that always says now", async () => {
  await withDir({}, async (dir) => {
    await using fixture = new Fixture(dir);
    const { server, clock } = fixture;
    const startMs = clock.date().getTime();
    const info = (start: number, end: number) => ({
      start: new Date(startMs + start * DAY_MS),
      end: new Date(startMs + end * DAY_MS),
      retryAfterMs: undefined,
    });
    server.info = () => info(20, 22);
    await fixture.start();
    await fixture.advance(20.5 * DAY_MS, 6 * HOUR_MS);
    assertEquals(server.orders.length, 1);
    await fixture.advance(DAY_MS, 6 * HOUR_MS);
    assertEquals(server.orders.length, 2);
    server.info = () => info(-2, -1);
    const polls = server.polls;
    await fixture.advance(10 * DAY_MS, 6 * HOUR_MS);
    assert(server.orders.length <= 12, `${server.orders.length} orders`);
    assert(server.polls - polls <= 55, `${server.polls - polls} questions`);
  });
});

Deno.test("AcmeSource asks a server that refuses five times in the first hour, then hourly, and logs the reason once", async () => {
  await withDir({}, async (dir) => {
    await using log = await CapturedLog.start();
    await using fixture = new Fixture(dir);
    const { server, source } = fixture;
    server.fail = () => {
      throw new AcmeError(
        `no A record\nfor /.well-known/acme-challenge/${crypto.randomUUID()} (dns)`,
      );
    };
    await fixture.start();
    await fixture.advance(HOUR_MS - 1000, 10_000);
    assertEquals(server.orders.length, 5);
    await fixture.advance(23 * HOUR_MS, HOUR_MS / 4);
    assert(server.orders.length <= 29, `${server.orders.length} orders`);
    assert(server.orders.length >= 26, `${server.orders.length} orders`);
    assertEquals(
      source.problem,
      `no certificate for ${HOST} yet: no A record for /.well-known/acme-challenge/… (dns)`,
    );
    assertEquals(log.matching("no A record").length, 1, log.lines.join("\n"));
    assertEquals(source.current, undefined);
    assertEquals(fixture.changes, 0);
    server.fail = () => {
      throw new Error("another reason");
    };
    await fixture.advance(2 * HOUR_MS, HOUR_MS / 4);
    assertEquals(log.matching("another reason").length, 1);
    server.fail = () => {};
    await fixture.advance(2 * HOUR_MS, HOUR_MS / 4);
    assertEquals(source.problem, undefined);
    assertEquals(log.matching(`new certificate for ${HOST}`).length, 1);
  });
});

Deno.test("AcmeSource leaves a server alone for as long as it says", async () => {
  await withDir({}, async (dir) => {
    await using fixture = new Fixture(dir);
    fixture.server.fail = () => {
      throw new AcmeError("too many", { retryAfterMs: 5 * HOUR_MS });
    };
    await fixture.start();
    await fixture.advance(5 * HOUR_MS - 1000, HOUR_MS / 2 - 100);
    assertEquals(fixture.server.orders.length, 1);
    await fixture.advance(2000);
    assertEquals(fixture.server.orders.length, 2);
  });
});

Deno.test("AcmeSource serves the old certificate while the new one is no good", async () => {
  await withDir({}, async (dir) => {
    await using fixture = new Fixture(dir);
    const { server, source } = fixture;
    await fixture.start();
    const first = source.current;
    const stored = await Deno.readTextFile(`${dir}/${HOST}`);
    const otherKey = toPkcs8(await makeEcKey());
    const bad: [Partial<FakeAcmeServer>, RegExp][] = [
      [{ difference: { names: ["other.test"] } }, /is not for "relay\.test"/],
      [{ difference: { validDays: 1, startDays: -2 } }, /expired on 20/],
      [{ difference: { startDays: 2 } }, /is not valid before 20/],
      [{ difference: { key: otherKey } }, /not belong to its private key/],
      [{ difference: {}, nonsense: "<html>" }, /no PEM "CERTIFICATE" block/],
    ];
    await fixture.advance(60 * DAY_MS, 12 * HOUR_MS);
    const second = source.current;
    assert(second !== first);
    const kept = await Deno.readTextFile(`${dir}/${HOST}`);
    assert(kept !== stored);
    await fixture.advance(57 * DAY_MS, 12 * HOUR_MS);
    for (const [how, problem] of bad) {
      Object.assign(server, how);
      await fixture.advance(2 * DAY_MS, HOUR_MS * 12);
      assertMatch(source.problem ?? "", problem);
      assertMatch(source.problem ?? "", /^certificate is not renewed: /);
      assertEquals(source.current, second);
    }
    assertEquals(await Deno.readTextFile(`${dir}/${HOST}`), kept);
    assertEquals(fixture.changes, 2);
  });
});

Deno.test("AcmeSource.reload() asks at once after a failure, but not twice within a minute", async () => {
  await withDir({}, async (dir) => {
    await using fixture = new Fixture(dir);
    const { server, source } = fixture;
    server.fail = () => {
      throw new AcmeError("no", { retryAfterMs: DAY_MS });
    };
    await fixture.start();
    await source.reload();
    await fixture.idle();
    assertEquals(server.orders.length, 1);
    await fixture.advance(61_000);
    assertEquals(server.orders.length, 2);
    await fixture.advance(120_000);
    assertEquals(server.orders.length, 2);
  });
});

Deno.test("AcmeSource leaves out addresses that the server refuses, and nothing else", async () => {
  await withDir({}, async (dir) => {
    await using log = await CapturedLog.start();
    await using fixture = new Fixture(dir, {
      ipAddresses: ["192.0.2.1", "2001:db8::1"],
    });
    const { server, source } = fixture;
    server.fail = ({ names }) => {
      if (!names.includes("2001:db8::1")) return;
      throw new AcmeError("unreachable", { refused: ["2001:db8::1"] });
    };
    await fixture.start();
    assertEquals(source.current?.facts.names, [HOST, "192.0.2.1"]);
    assertEquals(log.matching("leaves out 2001:db8::1: unreachable").length, 1);
    await fixture.advance(31 * DAY_MS, DAY_MS / 2);
    assertEquals(server.orders.length, 2);
    server.fail = () => {
      throw new AcmeError("forbidden", { refused: [HOST, "192.0.2.1"] });
    };
    await fixture.advance(31 * DAY_MS, DAY_MS / 2);
    assertMatch(source.problem ?? "", /not renewed: forbidden/);
    assertEquals(server.orders.at(-1)!.names, [HOST, "192.0.2.1"]);
  });
});
