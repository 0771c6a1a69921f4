/** What the checks with throw-away clients say of relays that do wrong. */
import { encodeServerInfo } from "../../../src/derp/client_info.ts";
import { FrameType } from "../../../src/derp/frame.ts";
import { CLIENT_LIMITS, HELLO_LIMITS } from "../../../src/derp/frame.ts";
import { FrameReader } from "../../../src/derp/frame_reader.ts";
import {
  encodeFrame,
  encodePeerPresent,
  encodePong,
  encodeServerKey,
} from "../../../src/derp/messages.ts";
import { NodePublic } from "../../../src/keys/node_key.ts";
import { type Conn, writeAll } from "../../../src/net/conn.ts";
import { Budget } from "../../../src/probe/budget.ts";
import type { ProbeContext } from "../../../src/probe/target.ts";
import { checkDerp } from "../../../src/probe/derp_check.ts";
import { checkMesh } from "../../../src/probe/mesh_check.ts";
import { checkRelaying } from "../../../src/probe/relay_check.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { connPair, type MemoryConn } from "../../support/conn_pair.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

const STEP_MS = 3_000;
const RELAY_KEY = testKey(1);
const SWITCHING =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n";

/** What a relay does with the frames behind the handshake; undefined turns everybody away. */
type Behaviour =
  | ((
    type: number,
    payload: Uint8Array,
    conn: Conn,
    client: NodePublic,
  ) => Promise<void> | void)
  | undefined;

/** Serves one connection; `isFast` is answered without HTTP. */
async function serve(
  conn: MemoryConn,
  behaviour: Behaviour,
  { answersFast }: { answersFast: boolean },
): Promise<void> {
  const head = new Uint8Array(2_000);
  const bytes = await conn.read(head);
  if (bytes === null) return;
  const isFast = new TextDecoder().decode(head.subarray(0, bytes))
    .includes("Derp-Fast-Start: 1");
  if (!isFast || !answersFast) {
    await writeAll(conn, new TextEncoder().encode(SWITCHING));
  }
  await writeAll(conn, encodeServerKey(RELAY_KEY.publicKey));
  const reader = new FrameReader(HELLO_LIMITS, new Uint8Array());
  let client: NodePublic | undefined;
  for (;;) {
    while (reader.next()) {
      if (client === undefined) {
        if (behaviour === undefined) return conn.close();
        client = NodePublic.fromBytes(reader.payload());
        const info = RELAY_KEY.sealTo(client, encodeServerInfo());
        await writeAll(conn, encodeFrame(FrameType.ServerInfo, info));
        reader.setLimits(CLIENT_LIMITS);
      } else {
        await behaviour?.(reader.type, reader.payload().slice(), conn, client);
      }
    }
    const read = await conn.read(reader.space()).catch(() => null);
    if (read === null) return;
    reader.filled(read);
  }
}

/** A relay in memory, and how to dial it. */
function fakeRelay(behaviour: Behaviour, { answersFast = true } = {}) {
  const clock = new FakeClock();
  const context: ProbeContext = {
    target: { name: "relay.test", port: 443, isTls: true },
    budget: new Budget(clock, { stepMs: STEP_MS, totalMs: 5 * STEP_MS }),
    caCerts: [],
    ownAddresses: new Set(),
  };
  const dial = (signal: AbortSignal) => {
    const { client, server } = connPair();
    void serve(server, behaviour, { answersFast }).catch(() => {});
    signal.addEventListener("abort", () => client.close());
    return Promise.resolve(client);
  };
  return { clock, context, dial };
}

/** Runs a check with as much time as it wants. */
async function withTime<T>(clock: FakeClock, running: Promise<T>): Promise<T> {
  let done = false;
  const ended = running.finally(() => done = true);
  for (let step = 0; step < 20 && !done; step++) await clock.advance(STEP_MS);
  return await ended;
}

Deno.test("checkMesh() fails where a made-up mesh key is told of clients", async () => {
  const { clock, context, dial } = fakeRelay(
    async (type, payload, conn, key) => {
      const present = { key, ip: "192.0.2.1", port: 1, flags: 2 };
      if (type === FrameType.WatchConns) {
        await writeAll(conn, encodePeerPresent(present));
      }
      if (type === FrameType.Ping) await writeAll(conn, encodePong(payload));
    },
  );
  const rows = await withTime(
    clock,
    checkMesh(context, dial, { isTrusted: true }),
  );
  assertEquals(rows.map(({ status }) => status), ["FAIL", "skipped"]);
  const target = { ...context.target, meshKey: testMeshKey(2) };
  const [, right] = await withTime(
    clock,
    checkMesh({ ...context, target }, dial, { isTrusted: true }),
  );
  assertEquals(right?.status, "ok");
});

Deno.test("checkMesh() sees a relay that only closes its ears", async () => {
  const { clock, context, dial } = fakeRelay(async (type, payload, conn) => {
    if (type === FrameType.Ping) await writeAll(conn, encodePong(payload));
  });
  const target = { ...context.target, meshKey: testMeshKey(2) };
  const [wrong, right] = await withTime(
    clock,
    checkMesh({ ...context, target }, dial, { isTrusted: true }),
  );
  assertEquals(wrong?.status, "ok");
  assertEquals(right?.status, "FAIL");
  assertMatch(right!.seen, /ignored/);
});

Deno.test("checkMesh() keeps the mesh key from a relay that isn't trusted", async () => {
  let clients = 0;
  const { clock, context, dial } = fakeRelay(undefined);
  const counting = (signal: AbortSignal) => {
    clients++;
    return dial(signal);
  };
  const target = { ...context.target, meshKey: testMeshKey(2) };
  const [wrong, right] = await withTime(
    clock,
    checkMesh({ ...context, target }, counting, { isTrusted: false }),
  );
  assertEquals(wrong?.seen, "turned away, as any stranger");
  assertEquals(right?.status, "skipped");
  assertEquals(clients, 1);
});

Deno.test("checkRelaying() fails where packets don't arrive, and goes no further", async () => {
  const { clock, context, dial } = fakeRelay(() => {});
  const rows = await withTime(
    clock,
    checkRelaying(context, dial, { meshKey: undefined }),
  );
  assertEquals(
    rows.map(({ check, status }) => `${check}: ${status}`),
    ["strangers: warn", "relaying: FAIL", "unknown destination: skipped"],
  );
  assertMatch(rows[1]!.seen, /no answer within 3 s/);
  assertEquals(clock.pending, 0);
});

Deno.test("checkRelaying() skips what can't be tried where strangers are turned away", async () => {
  const { clock, context, dial } = fakeRelay(undefined);
  for (const meshKey of [undefined, testMeshKey(3)]) {
    const rows = await withTime(
      clock,
      checkRelaying(context, dial, { meshKey }),
    );
    assertEquals(
      rows.map(({ status }) => status),
      ["ok", "skipped", "skipped"],
    );
  }
});

Deno.test("checkDerp() fails where a relay that promises fast start answers with HTTP", async () => {
  const metaKey = RELAY_KEY.publicKey.hex();
  const cases: readonly (readonly [boolean, string | undefined, string])[] = [
    [true, metaKey, "ok"],
    [true, undefined, "warn"],
    [true, testKey(2).publicKey.hex(), "FAIL"],
    [false, metaKey, "FAIL"],
    [false, undefined, "warn"],
  ];
  for (const [answersFast, metaKey, status] of cases) {
    const { clock, context, dial } = fakeRelay(undefined, { answersFast });
    const { speaks, rows } = await withTime(
      clock,
      checkDerp(context, dial, { metaKey, address: "192.0.2.1" }),
    );
    assert(speaks);
    assertEquals(rows.map((row) => row.status), ["ok", status]);
    assertMatch(rows[0]!.seen, new RegExp(`${RELAY_KEY.publicKey}`));
  }
});
