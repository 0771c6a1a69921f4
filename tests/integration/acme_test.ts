/** Certificates by ACME from Pebble: first, renewed, bound to an external account, for addresses, refused. */
import type { AcmeOptions } from "../../src/certs/acme.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import {
  certified,
  orderCount,
  refused,
  Running,
  testPebble,
  until,
} from "../support/acme_fixture.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { listDir } from "../support/certs/cert_dir.ts";
import { ROOT_CERT } from "../support/certs/chain.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const EAB_KEY =
  "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
testPebble(
  "AcmeSource gets a first certificate, and after a restart has it without asking",
  async ({ dir, pebble }) => {
    const { directoryUrl, httpPort } = pebble;
    let sha256: string;
    {
      await using running = new Running(httpPort, {
        certDir: dir,
        directoryUrl,
      });
      await running.start();
      assertEquals(running.source.current, undefined);
      assertMatch(
        running.source.problem ?? "",
        /^no certificate for relay\.example\.com yet: asking https:/,
      );
      const certificate = await certified(running);
      const { facts } = certificate;
      assertEquals(facts.names, ["relay.example.com"]);
      assertEquals(running.source.problem, undefined);
      // The meta certificate comes last and isn't counted.
      assertEquals(
        certificate.tlsKeyPair().cert.match(/BEGIN CERTIFICATE/g)?.length,
        facts.chainLength + 1,
      );
      sha256 = facts.sha256;
      await until(() => running.changes === 1, () => running.changes);
    }
    assertEquals(await listDir(dir), ["acme_account+key", "relay.example.com"]);
    for (const name of await listDir(dir)) {
      const { mode } = await Deno.stat(`${dir}/${name}`);
      assertEquals(mode! & 0o777, 0o600);
    }
    const stored = await Deno.readTextFile(`${dir}/relay.example.com`);
    assertMatch(stored, /^-----BEGIN EC PRIVATE KEY-----\n[^-]*-----END/);
    const orders = orderCount(pebble);
    await using again = new Running(httpPort, { certDir: dir, directoryUrl });
    await again.start();
    assertEquals(again.source.current?.facts.sha256, sha256);
    assertEquals(again.changes, 0);
    assertEquals(orderCount(pebble), orders);
  },
);

testPebble(
  "AcmeSource renews with the same account, and serves the old certificate meanwhile",
  async ({ dir, pebble }) => {
    const { directoryUrl, httpPort } = pebble;
    const clock = new FakeClock(new Date());
    await using running = new Running(httpPort, {
      certDir: dir,
      directoryUrl,
      clock,
    });
    await running.start();
    const first = await certified(running);
    await settle();
    await advance(clock, 57 * DAY_MS);
    assertEquals(running.source.current, first);
    for (let day = 0; day < 5 && running.source.current === first; day++) {
      await advance(clock, DAY_MS);
    }
    await until(
      () => running.source.current !== first,
      () => running.source.problem,
    );
    assertEquals(running.source.current!.facts.names, ["relay.example.com"]);
    assertMatch(pebble.output, /ARI: order \S+ is a replacement of /);
    const accounts = pebble.output.match(/There are now (\d+) accounts/g) ?? [];
    assertEquals(accounts.at(-1), "There are now 1 accounts");
  },
);

testPebble(
  "AcmeSource renews at once where the server suggests it, for example before it revokes",
  async ({ dir, pebble }) => {
    const { directoryUrl, httpPort, managementUrl } = pebble;
    const clock = new FakeClock(new Date());
    const options = { certDir: dir, directoryUrl, clock };
    await using running = new Running(httpPort, options);
    await running.start();
    const first = await certified(running);
    const certificate = (await Deno.readTextFile(`${dir}/relay.example.com`))
      .match(/-----BEGIN CERTIFICATE-----\n[^-]*-----END CERTIFICATE-----/)![0];
    const now = Date.now();
    await post(`${managementUrl}/set-renewal-info/`, {
      certificate,
      ariResponse: JSON.stringify({
        suggestedWindow: {
          start: new Date(now - 2 * DAY_MS),
          end: new Date(now - DAY_MS),
        },
      }),
    });
    await advance(clock, 3 * DAY_MS);
    await until(
      () => running.source.current !== first,
      () => running.source.problem,
    );
  },
);

testPebble(
  "AcmeSource binds its account to an external one, in both alphabets of the key",
  async ({ dir, pebble }) => {
    const { directoryUrl, httpPort } = pebble;
    const cases: [string, string | undefined, RegExp][] = [
      ["none", undefined, /yet: .*\(externalAccountRequired\)$/],
      ["wrong", btoa("another key, thirty-two bytes ok"), /yet: .+\(\w+\)$/],
      ["url", EAB_KEY, /^none$/],
      [
        "standard",
        EAB_KEY.replaceAll("-", "+").replaceAll("_", "/"),
        /^none$/,
      ],
    ];
    for (const [name, key, problem] of cases) {
      await using running = new Running(httpPort, {
        certDir: `${dir}/${name}`,
        directoryUrl,
        externalAccount: key === undefined ? undefined : { kid: "kid-1", key },
      });
      await running.start();
      assertMatch(await refused(running), problem, name);
    }
  },
  { externalAccounts: { "kid-1": EAB_KEY } },
);

testPebble(
  "AcmeSource gets short-lived certificates for addresses, and leaves out those that can't be reached",
  async ({ dir, pebble }) => {
    const { directoryUrl, httpPort } = pebble;
    const cases: [Partial<AcmeOptions>, string[]][] = [
      [{ hostname: "127.0.0.1" }, ["127.0.0.1"]],
      [
        { ipAddresses: ["127.0.0.1"] },
        ["relay.example.com", "127.0.0.1"],
      ],
      [
        {
          hostname: "two.example.com",
          ipAddresses: ["127.0.0.2", "127.0.0.1"],
        },
        ["two.example.com", "127.0.0.1"],
      ],
    ];
    for (const [options, names] of cases) {
      await using running = new Running(httpPort, {
        certDir: dir,
        directoryUrl,
        ...options,
      });
      await running.start();
      const { facts } = await certified(running);
      assertEquals(facts.names, names);
      const lifetimeMs = facts.notAfter.getTime() - facts.notBefore.getTime();
      assertEquals(Math.round(lifetimeMs / DAY_MS), 6);
    }
    assertEquals(await listDir(dir), [
      "127.0.0.1",
      "acme_account+key",
      "relay.example.com",
      "two.example.com",
    ]);
  },
  { shortLived: true },
);

testPebble(
  "AcmeSource tells why the server refuses, and asks it five times in an hour",
  async ({ dir, pebble }) => {
    const { directoryUrl, httpPort } = pebble;
    const clock = new FakeClock(new Date());
    await using running = new Running(httpPort, {
      certDir: dir,
      directoryUrl,
      clock,
      hostname: "blocked.example",
    });
    await running.start();
    assertMatch(
      await refused(running),
      /^no certificate for blocked\.example yet: .*blocked\.example.*\(rejectedIdentifier\)$/,
    );
    for (let minute = 0; minute < 59; minute++) {
      await until(() => clock.pending > 0, () => "the source is busy");
      await clock.advance(60_000);
    }
    await until(() => clock.pending > 0, () => "the source is busy");
    const count = orderCount(pebble);
    assert(count >= 4 && count <= 6, `${count} orders`);
  },
  { blocked: ["blocked.example"] },
);

testPebble(
  "AcmeSource tells what the server saw where the challenge isn't answered, in one line",
  async ({ dir, pebble }) => {
    const { directoryUrl, httpPort } = pebble;
    await using running = new Running(httpPort + 1, {
      certDir: dir,
      directoryUrl,
    });
    await running.start();
    const problem = await refused(running);
    assertMatch(
      problem,
      /yet: relay\.example\.com: .*acme-challenge\/….*refused.*\(connection\)$/,
    );
    assert(!problem.includes("\n"));
  },
);

testPebble(
  "AcmeSource doesn't mind bad nonces, but an ACME server that nobody vouches for",
  async ({ dir, pebble }) => {
    const { directoryUrl, httpPort } = pebble;
    const options = { certDir: dir, directoryUrl };
    {
      await using running = new Running(httpPort, { ...options, caCerts: [] });
      await running.start();
      assertMatch(
        await refused(running),
        /yet: 127\.0\.0\.1:\d+ cannot be asked: .*certificate/,
      );
    }
    await using running = new Running(httpPort, options);
    await running.start();
    await certified(running);
  },
  { badNonces: 15 },
);

async function post(url: string, body: unknown): Promise<void> {
  using client = Deno.createHttpClient({ caCerts: [ROOT_CERT] });
  const response = await fetch(url, {
    method: "POST",
    body: JSON.stringify(body),
    client,
  });
  const text = await response.text();
  assertEquals(response.status, 200, text);
}

/** Time on the fake clock, with the network's answers in between. */
async function advance(clock: FakeClock, ms: number): Promise<void> {
  const STEP_MS = 6 * 60 * 60 * 1000;
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    await clock.advance(STEP_MS);
    await delay(systemClock, 5);
  }
}
