/** Rates by two looks, order and pages of clients. */
import {
  ClientLooks,
  type ClientPage,
} from "../../../../src/debug/status/client_looks.ts";
import {
  type Column,
  StatusQuery,
} from "../../../../src/debug/status/query.ts";
import { assert, assertEquals } from "../../../support/assert.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import {
  type FakeSession,
  fakeSession,
} from "../../../support/fake_sessions.ts";

function query(search = ""): StatusQuery {
  return StatusQuery.parse(new URLSearchParams(search));
}

function rates({ clients }: ClientPage): (number | undefined)[][] {
  return clients.map(({ look }) => [look.inRate, look.outRate]);
}

Deno.test("ClientLooks tells rates from the second look on, shared by all who look", async () => {
  const clock = new FakeClock();
  const session = fakeSession(1, { receivedBytes: 500 });
  const looks = new ClientLooks(() => [session], clock);
  assertEquals(rates(looks.page(query())), [[undefined, undefined]]);
  await clock.advance(2_000);
  session.receivedBytes += 1_000;
  session.writer.sentBytes += 200;
  assertEquals(rates(looks.page(query())), [[500, 100]]);
  await clock.advance(999);
  session.receivedBytes += 1_000;
  assertEquals(rates(looks.page(query())), [[500, 100]]);
  await clock.advance(1);
  assertEquals(rates(looks.page(query())), [[1_000, 0]]);
});

Deno.test("ClientLooks doesn't tell a rate of long ago, nor of a session that is new", async () => {
  const clock = new FakeClock();
  const sessions = [fakeSession(1)];
  const looks = new ClientLooks(() => sessions, clock);
  looks.page(query());
  await clock.advance(60_001);
  sessions[0]!.receivedBytes = 1e9;
  assertEquals(rates(looks.page(query())), [[undefined, undefined]]);
  await clock.advance(10_000);
  sessions.push(fakeSession(2, { receivedBytes: 7 }));
  assertEquals(rates(looks.page(query())), [[0, 0], [undefined, undefined]]);
});

Deno.test("ClientLooks gives each session an identity that stays while somebody looks", async () => {
  const clock = new FakeClock();
  const sessions = [fakeSession(1), fakeSession(2)];
  const looks = new ClientLooks(() => sessions, clock);
  const ids = () => looks.page(query()).clients.map(({ look }) => look.id);
  assertEquals(ids(), [1, 2]);
  await clock.advance(5_000);
  sessions.shift();
  sessions.push(fakeSession(1)); // came back: another session
  assertEquals(ids(), [2, 3]);
});

Deno.test("ClientLooks sorts by each column, of equals the busiest first", async () => {
  const clock = new FakeClock();
  const admitted = (node: string | undefined, by: string) => ({ node, by });
  const sessions: Record<string, FakeSession> = {
    a: fakeSession(9, {
      admitted: admitted("Zoe", "a"),
      remote: { ip: "10.0.0.10", port: 1 },
      isHome: true,
      ageMs: 1,
      receivedBytes: 30,
    }),
    b: fakeSession(8, {
      admitted: admitted("adam", "c"),
      remote: { ip: "10.0.0.9", port: 1 },
      ageMs: 3,
      receivedBytes: 10,
      writer: { sentBytes: 40, droppedPackets: 5, queuedBytes: 0 },
    }),
    c: fakeSession(7, {
      admitted: admitted(undefined, "b"),
      remote: { ip: "2001:db8::1", port: 1 },
      ageMs: 2,
      receivedBytes: 20,
      writer: { sentBytes: 5, droppedPackets: 0, queuedBytes: 9 },
    }),
  };
  const looks = new ClientLooks(() => Object.values(sessions), clock);
  looks.page(query());
  await clock.advance(1_000);
  sessions["a"]!.receivedBytes += 1;
  sessions["c"]!.writer.sentBytes += 2;
  const orders: Record<Column, string> = {
    node: "bac",
    address: "bac",
    admitted: "acb",
    home: "abc",
    since: "bca",
    in: "abc",
    out: "cba",
    "total-in": "acb",
    "total-out": "bca",
    dropped: "bac",
    queue: "cba",
  };
  const names = new Map(
    Object.entries(sessions).map(([name, session]) => [session, name]),
  );
  const order = (search: string) =>
    looks.page(query(search)).clients
      .map(({ session }) => names.get(session as FakeSession)).join("");
  for (const [column, expected] of Object.entries(orders)) {
    assertEquals(order(`sort=${column}`), expected, column);
  }
  assertEquals(order("sort=node&order=reverse"), "cab");
  assertEquals(order("sort=home&order=reverse"), "bca");
});

Deno.test("ClientLooks pages, and shows the last page to who asks for more", () => {
  const sessions = Array.from({ length: 250 }, (_, n) => fakeSession(n));
  const looks = new ClientLooks(() => sessions, new FakeClock());
  const numbers = (page: number) => {
    const { clients, ...rest } = looks.page(query(`sort=node&page=${page}`));
    return [clients.length, rest];
  };
  assertEquals(numbers(1), [100, { total: 250, page: 1, pages: 3 }]);
  assertEquals(numbers(3), [50, { total: 250, page: 3, pages: 3 }]);
  assertEquals(numbers(99), [50, { total: 250, page: 3, pages: 3 }]);
  const seen = new Set(
    [1, 2, 3].flatMap((page) =>
      looks.page(query(`page=${page}`)).clients.map(({ look }) => look.id)
    ),
  );
  assertEquals(seen.size, 250);
  sessions.length = 0;
  assertEquals(numbers(2), [0, { total: 0, page: 1, pages: 1 }]);
  assert(sessions.length === 0);
});
