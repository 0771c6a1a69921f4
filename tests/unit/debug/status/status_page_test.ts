/** The status page, its assets and its events. */
import type { SourceStatus } from "../../../../src/admission/asked_source.ts";
import type { StatusFacts } from "../../../../src/debug/status/facts.ts";
import { SAMPLE_MS } from "../../../../src/debug/status/history.ts";
import { StatusPage } from "../../../../src/debug/status/status_page.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../../../support/assert.ts";
import { EventReader } from "../../../support/event_reader.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import {
  fakeFacts,
  type FakeSession,
  fakeSession,
  HOSTILE,
} from "../../../support/fake_sessions.ts";

const NOBODY: FakeSession[] = [];

function makePage(
  sessions: FakeSession[] = NOBODY,
  facts: Partial<StatusFacts> = {},
): { page: StatusPage; clock: FakeClock } {
  const clock = new FakeClock();
  return { page: new StatusPage(fakeFacts(sessions, facts), clock), clock };
}

function get(page: StatusPage, name = "", search = ""): Response {
  return page.answer(name, new URLSearchParams(search))!;
}

Deno.test("StatusPage allows its own style, script and events, and nothing else", async () => {
  const { page } = makePage();
  const response = get(page);
  const policy = response.headers.get("Content-Security-Policy")!;
  assertStringIncludes(
    policy,
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'",
  );
  assert(!policy.includes("unsafe"));
  assertEquals(response.headers.get("Cache-Control"), "no-store");
  assertEquals(response.headers.get("Referrer-Policy"), "no-referrer");
  const html = await response.text();
  assert(!/\sstyle=|\son\w+=|javascript:/.test(html), "something inline");
  assert(
    !/(src|href)="(?!\/debug\/|data:image)/.test(html),
    "something from elsewhere",
  );
  assertEquals(html.match(/<script/g)?.length, 1);
  for (
    const [name, type] of [["status.css", "text/css"], [
      "status.js",
      "text/javascript",
    ]]
  ) {
    assertStringIncludes(html, `"/debug/${name}"`);
    const asset = get(page, name);
    assertEquals(asset.headers.get("Content-Type"), `${type}; charset=utf-8`);
    assertEquals(asset.headers.get("X-Content-Type-Options"), "nosniff");
    assert((await asset.text()).length > 500);
  }
  assertEquals(page.answer("nope", new URLSearchParams()), undefined);
});

Deno.test("StatusPage tells all without scripts", async () => {
  const source: SourceStatus = {
    name: 'tailscaled at "/run/t.sock"',
    kind: "tailscaled",
    state: "down",
    since: new Date("2026-01-02T02:04:05Z"),
    lastError: "There is no socket",
    asked: 12,
    failed: 3,
    admitted: 8,
    refused: 1,
  };
  const { page } = makePage([
    fakeSession(1, {
      admitted: { by: source.name, node: "laptop" },
      isHome: true,
      ageMs: 7_200_000,
      receivedBytes: 1_234,
      writer: { sentBytes: 5_678_000, droppedPackets: 9, queuedBytes: 44 },
    }),
    fakeSession(2, { isMeshPeer: true }),
  ], {
    problems: () => ["certificate: it expired"],
    hasMeshKey: true,
    certificate: () => ({
      served: {
        names: ["relay.test"],
        notAfter: new Date("2026-01-09T03:04:05Z"),
        selfSigned: true,
        daysLeft: 7,
      },
      problem: "the new one is not valid",
    }),
    verification: () => [source],
    meshLinks: () => [{
      host: "b.test",
      state: "linked",
      since: new Date("2026-01-02T03:03:05Z"),
      clients: 1234,
      roundTripMs: 12.34,
      lastError: undefined,
    }, {
      host: "c.test",
      state: "down",
      since: new Date("2026-01-01T03:03:05Z"),
      clients: 0,
      roundTripMs: undefined,
      lastError: "UnknownIssuer",
    }],
    stun: { successes: 55, unhealthy: 4, ipv4: 50, ipv6: 9 },
  });
  const html = await get(page).text();
  for (
    const part of [
      "Not ready",
      "<li>certificate: it expired</li>",
      ">7 days left</span>",
      "until 2026-01-09, for relay.test, self-signed",
      "the new one is not valid",
      "1 with a problem",
      "<td>tailscaled at &#34;/run/t.sock&#34;</td>",
      '>fails</span></td><td class="n">1h 0m</td><td class="n">12</td><td class="n">8</td><td class="n">1</td><td class="n">3</td><td>There is no socket</td>',
      '>linked</span></td><td class="n">1m</td><td class="n">12 ms</td><td class="n">1\u202f234</td>',
      "<td>UnknownIssuer</td>",
      "55 <small>asked 50 × by IPv4, 9 × by IPv6</small>",
      "4 not answered while not ready",
      '<b title="laptop">laptop</b> <code>[AAAAA]</code>',
      '<td class="address">10.0.0.1</td>',
      ">tailscaled</td>",
      '<span class="tag">home</span>',
      '<span class="tag">mesh peer</span>',
      '<td class="n since">2h 0m</td><td class="n in zero">–</td>',
      '<td class="n tin">1.23 kB</td><td class="n tout">5.68 MB</td><td class="n drops">9</td><td class="n queue">44 B</td>',
      '<noscript><meta http-equiv="refresh" content="10"></noscript>',
      'href="/debug/?sort=node"',
    ]
  ) assertStringIncludes(html, part);
});

Deno.test("StatusPage says that nobody is verified, and that there is no certificate", async () => {
  const plain = await get(makePage().page).text();
  assertStringIncludes(plain, "open to all");
  assertStringIncludes(plain, "plain HTTP");
  assertStringIncludes(plain, "Nobody is connected");
  const certificate = () => ({ served: undefined, problem: "port 80" });
  const none = await get(makePage(NOBODY, { certificate }).page).text();
  assertStringIncludes(
    none,
    '>none yet</span> <small class="bad">port 80</small>',
  );
});

Deno.test("StatusPage shows hostile text as text, wherever it comes from", async () => {
  const { page } = makePage([
    fakeSession(1, {
      admitted: { by: HOSTILE, node: HOSTILE },
      remote: { ip: HOSTILE, port: 1 },
    }),
  ], {
    hostname: HOSTILE,
    machine: HOSTILE,
    version: HOSTILE,
    problems: () => [HOSTILE],
    certificate: () => ({
      served: {
        names: [HOSTILE],
        notAfter: new Date(0),
        selfSigned: false,
        daysLeft: -1,
      },
      problem: HOSTILE,
    }),
    verification: () => [{
      name: HOSTILE,
      kind: "url",
      state: "up",
      since: new Date(0),
      lastError: HOSTILE,
      asked: 0,
      failed: 0,
      admitted: 0,
      refused: 0,
    }],
    meshLinks: () => [{
      host: HOSTILE,
      state: "down",
      since: new Date(0),
      clients: 0,
      roundTripMs: undefined,
      lastError: HOSTILE,
    }],
  });
  const search = "sort=node&debugkey=%22%3E%3Cimg%20src%3Dx%3E";
  const html = await get(page, "", search).text();
  assert(!html.includes("<img"));
  assert(html.split("&#60;img").length > 10);
  assertStringIncludes(html, "debugkey=%22%3E%3Cimg+src%3Dx%3E");
  const events = new EventReader(get(page, "events", search));
  const { data: parts } = (await events.next("parts"))!;
  const { data: { rows } } = (await events.next("rows"))!;
  assert(!JSON.stringify([parts, rows]).includes("<img"));
  await events.cancel();
});

Deno.test("StatusPage with 5,000 clients makes 100 rows, and answers of bounded size", async () => {
  let named = 0;
  const sessions = Array.from({ length: 5_000 }, (_, n) => {
    const session = fakeSession(n, { receivedBytes: n });
    const { key } = session.route;
    session.route = {
      key: {
        bytes: key.bytes,
        shortString: () => key.shortString(),
        toString: () => {
          named++; // only a row shows the whole key
          return key.toString();
        },
      },
    };
    return session;
  });
  const { page, clock } = makePage(sessions);
  const html = await get(page, "", "sort=total-in&page=2").text();
  assertEquals(html.match(/<td class="node"/g)?.length, 100);
  assertEquals(named, 100);
  assert(html.length < 80_000, `${html.length}`);
  assertStringIncludes(html, "101 to 200 of 5\u202f000");
  assertStringIncludes(html, "/debug/?sort=total-in&#38;page=50");
  const events = new EventReader(get(page, "events", "sort=total-in"));
  const first = (await events.next("rows"))!;
  assertEquals(first.data.order.length, 100);
  assertEquals(named, 200);
  assert(JSON.stringify(first).length < 80_000);
  await clock.advance(2_000); // from unknown rates to none
  await events.next("rows");
  sessions[4_990]!.receivedBytes += 1;
  await clock.advance(2_000);
  const second = (await events.next("rows"))!;
  assertEquals(Object.keys(second.data.rows).length, 1);
  await events.cancel();
});

Deno.test("StatusPage tells by events what has changed, every two seconds", async () => {
  const sessions = [fakeSession(1), fakeSession(2)];
  const { page, clock } = makePage(sessions);
  const events = new EventReader(get(page, "events", "sort=node"));
  const all = (await events.next("parts"))!.data;
  assertEquals(Object.keys(all).sort(), [
    "charts",
    "count",
    "facts",
    "health",
    "mesh",
    "pager",
    "sources",
    "time",
  ]);
  const { order, rows } = (await events.next("rows"))!.data;
  assertEquals([order, Object.keys(rows)], [["c1", "c2"], ["c1", "c2"]]);
  sessions[1]!.receivedBytes = 3_000;
  await clock.advance(2_000);
  const { data: changed } = (await events.next("parts"))!;
  assertEquals(changed, { time: "03:04:07 UTC" });
  assertStringIncludes((await events.next("rows"))!.data.rows.c2, "1.50 kB/s");
  sessions.shift();
  await clock.advance(2_000);
  assertEquals((await events.next("parts"))!.data.count, "1");
  assertEquals((await events.next("rows"))!.data.order, ["c2"]);
  await events.cancel();
  await settle();
  assertEquals(clock.pending, 0);
});

Deno.test("StatusPage has 16 event streams at a time, each for an hour", async () => {
  const { page, clock } = makePage();
  const readers = Array.from(
    { length: 16 },
    () => new EventReader(get(page, "events")),
  );
  const refused = get(page, "events");
  assertEquals(refused.status, 503);
  assertStringIncludes(await refused.text(), "16 event streams");
  await readers[0]!.cancel();
  readers[0] = new EventReader(get(page, "events"));
  assertEquals(get(page, "events").status, 503);
  await clock.advance(60 * 60_000);
  for (const reader of readers) {
    while (await reader.next("parts") !== undefined);
  }
  assertEquals(clock.pending, 0);
  const again = get(page, "events");
  assertEquals(again.status, 200);
  await again.body!.cancel();
  await settle();
  assertEquals(clock.pending, 0);
});

Deno.test("StatusPage forgets event streams that failed", async () => {
  const problems = () => {
    throw new Error("no problems to be had");
  };
  const { page, clock } = makePage(NOBODY, { problems });
  for (let i = 0; i <= 16; i++) {
    const reader = new EventReader(get(page, "events"));
    await assertRejects(() => reader.next("parts"), Error, "to be had");
  }
  assertEquals(clock.pending, 0);
});

Deno.test("StatusPage doesn't look while nobody reads its events", async () => {
  let looks = 0;
  const sessions = () => {
    looks++;
    return NOBODY;
  };
  const { page, clock } = makePage(NOBODY, { sessions });
  const response = get(page, "events");
  await clock.advance(600_000);
  assert(looks <= 3, `${looks} looks`);
  await response.body!.cancel();
});

Deno.test("StatusPage keeps the last hour by one timer", async () => {
  let received = 0;
  const snapshot = () => ({
    derp_gauge_current_connections: 3,
    derp_gauge_current_home_connections: 2,
    derp_bytes_received: received += 50_000,
    derp_bytes_sent: 0,
    'derp_packets_dropped{reason="queue_head",kind="disco"}': received / 1e4,
    'derp_packets_dropped{reason="write_error",kind="other"}': received / 1e4,
  });
  const { page, clock } = makePage(NOBODY, { metrics: { snapshot } });
  page.start();
  assertEquals(clock.pending, 1);
  await clock.advance(SAMPLE_MS);
  const html = await get(page).text();
  assertMatch(html, /<b>3<\/b> now.*<b>2<\/b> at home/);
  assertStringIncludes(html, "<b>5.00 kB/s</b> in");
  assertStringIncludes(html, "<b>1.0/s</b>");
  assertEquals(clock.pending, 1);
  page.close();
  assertEquals(clock.pending, 0);
});
