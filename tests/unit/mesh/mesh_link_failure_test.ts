/** How a link fails: what the operator reads, and that nothing is left behind. */
import { writeAll } from "../../../src/net/conn.ts";
import { FrameType } from "../../../src/derp/frame.ts";
import { encodeFrame, encodeServerKey } from "../../../src/derp/messages.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { connPair, type MemoryConn } from "../../support/conn_pair.ts";
import { settle } from "../../support/fake_clock.ts";
import { SWITCHING } from "../../support/http_head.ts";
import { packetOf } from "../../support/packets.ts";
import { TestLink } from "../../support/test_link.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

const RETRY_MS = 5000;
const CONNECT_TIMEOUT_MS = 15_000;
const SILENCE_MS = 120_000;
const REMOTE = "derp_gauge_clients_remote";

/** Has the link find a peer that says `bytes` and then nothing. */
async function startWith(...bytes: Uint8Array[]): Promise<{
  mesh: TestLink;
  peers: MemoryConn[];
}> {
  const peers: MemoryConn[] = [];
  const mesh = await TestLink.start();
  mesh.answer = async () => {
    const { client, server } = connPair();
    peers.push(server);
    for (const part of bytes) await writeAll(server, part);
    return client;
  };
  mesh.dialled[0]!.reset();
  await mesh.clock.advance(RETRY_MS);
  return { mesh, peers };
}

const SERVER_KEY = encodeServerKey(testKey(200).publicKey);
const SERVER_INFO = encodeFrame(
  FrameType.ServerInfo,
  testKey(200).sealTo(testKey(1).publicKey, new TextEncoder().encode("{}")),
);

/** Each stage at which the other side may fall silent. */
const STAGES: [string, Uint8Array[]][] = [
  ["before its answer", []],
  ["within its answer", [SWITCHING.subarray(0, 30)]],
  ["before ServerKey", [SWITCHING]],
  ["within ServerKey", [SWITCHING, SERVER_KEY.subarray(0, 20)]],
  ["before ServerInfo", [SWITCHING, SERVER_KEY]],
];

for (const [stage, bytes] of STAGES) {
  Deno.test(`MeshLink gives up after 15 s on a relay that is silent ${stage}`, async () => {
    await using log = await CapturedLog.start();
    const { mesh, peers } = await startWith(...bytes);
    await using _mesh = mesh;
    log.lines.length = 0;
    await mesh.clock.advance(CONNECT_TIMEOUT_MS);
    assertEquals(await peers[0]!.readToEnd().then(() => "closed"), "closed");
    assertEquals(log.lines.length, 1);
    assertMatch(
      log.lines[0]!,
      /\[warning\] mesh: no link to b\.test: no answer within 15 s; trying again every 5 s$/,
    );
    await mesh.clock.advance(RETRY_MS);
    assertEquals(peers.length, 2);
  });

  Deno.test(`MeshLink.stop() ends a link at once that waits for a relay ${stage}`, async () => {
    await using log = await CapturedLog.start();
    const { mesh, peers } = await startWith(...bytes);
    log.lines.length = 0;
    mesh.link.stop();
    await settle();
    assert(mesh.hasEnded);
    assertEquals(mesh.local.metric("derp_gauge_clients_total"), 0);
    await mesh[Symbol.asyncDispose](); // rejects where a timer is left
    assertEquals(peers.length, 1);
    assertEquals(log.lines, []);
  });
}

Deno.test("MeshLink.stop() ends a link at once that is up, and forgets its keys", async () => {
  await using mesh = await TestLink.start();
  assertEquals(mesh.local.metric(REMOTE), 1);
  mesh.link.stop();
  await settle();
  assert(mesh.hasEnded && mesh.dialled[0]!.closed);
  assertEquals(mesh.local.metric(REMOTE), 0);
});

Deno.test("MeshLink.stop() ends a link at once that is being dialled", async () => {
  await using mesh = await TestLink.start();
  mesh.answer = (signal) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  mesh.dialled[0]!.reset();
  await mesh.clock.advance(RETRY_MS);
  assertEquals(mesh.dials, 2);
  mesh.link.stop();
  await settle();
  assert(mesh.hasEnded);
});

Deno.test("MeshLink.stop() ends a link at once that waits to try again", async () => {
  await using mesh = await TestLink.start();
  mesh.dialled[0]!.reset();
  await mesh.clock.advance(1000);
  mesh.link.stop();
  await settle();
  assert(mesh.hasEnded);
  assertEquals(mesh.dials, 1);
});

Deno.test("MeshLink.stop() before the first dial has ended dials no more", async () => {
  await using mesh = await TestLink.start();
  mesh.link.stop();
  mesh.link.stop();
  await mesh.clock.advance(100_000);
  assertEquals(mesh.dials, 1);
});

Deno.test("MeshLink closes a connection that it gets after it gave up waiting", async () => {
  await using mesh = await TestLink.start();
  const late = Promise.withResolvers<MemoryConn>();
  mesh.answer = () => late.promise;
  mesh.dialled[0]!.reset();
  await mesh.clock.advance(RETRY_MS + CONNECT_TIMEOUT_MS);
  mesh.answer = () => mesh.connect();
  const { client } = connPair(); // never says anything
  late.resolve(client);
  await settle();
  assert(client.closed);
  await mesh.clock.advance(RETRY_MS);
  assertEquals(mesh.local.metric(REMOTE), 1);
});

Deno.test("MeshLink gives up on a relay that says nothing for 120 s, and says so", async () => {
  await using log = await CapturedLog.start();
  const { mesh, peers } = await startWith(SWITCHING, SERVER_KEY, SERVER_INFO);
  await using _mesh = mesh;
  log.lines.length = 0;
  await mesh.clock.advance(SILENCE_MS - 1);
  assertEquals(peers.length, 1);
  await writeAll(peers[0]!, encodeFrame(FrameType.KeepAlive));
  await mesh.clock.advance(SILENCE_MS - 1);
  assertEquals(log.lines, []);
  await mesh.clock.advance(1);
  assertEquals(log.lines.length, 1);
  assert(log.lines[0]!.includes("nothing heard for 120 s"), log.lines[0]);
  await mesh.clock.advance(RETRY_MS);
  assertEquals(peers.length, 2);
});

Deno.test("MeshLink says that it is linked when the other relay has told who is there", async () => {
  await using log = await CapturedLog.start();
  await using mesh = await TestLink.start();
  assertEquals(log.lines.length, 1);
  assertMatch(log.lines[0]!, /\[info\] mesh: linked to b\.test$/);
  mesh.dialled[0]!.reset();
  await mesh.clock.advance(RETRY_MS);
  assertEquals(log.lines.length, 3);
  assertMatch(log.lines[1]!, /no link to b\.test: Reset by peer; trying/);
  assertMatch(log.lines[2]!, /linked to b\.test$/);
});

Deno.test("MeshLink that the other relay takes for no mesh peer says so once, and never that it is linked", async () => {
  await using log = await CapturedLog.start();
  await using mesh = await TestLink.start({ remoteMeshKey: testMeshKey(2) });
  await mesh.clock.advance(10 * RETRY_MS);
  assertEquals(mesh.dials, 11);
  assertEquals(mesh.local.metric("derp_gauge_clients_total"), 0);
  const lines = log.lines.filter((line) => line.includes(" mesh: "));
  assertEquals(lines.length, 1);
  assertMatch(
    lines[0]!,
    /no link to b\.test: .*closed the connection.*mesh key/,
  );
});

Deno.test("MeshLink logs the same failure once, another one anew, and all again after a success", async () => {
  await using log = await CapturedLog.start();
  await using mesh = await TestLink.start();
  const failWith = async (message: string, times: number) => {
    mesh.answer = () => Promise.reject(new Error(message));
    await mesh.clock.advance(times * RETRY_MS);
  };
  log.lines.length = 0;
  mesh.dialled[0]!.reset();
  await failWith("Connection refused", 5);
  await failWith("No route to host", 5);
  await failWith("Connection refused", 1);
  mesh.answer = () => mesh.connect();
  await mesh.clock.advance(RETRY_MS);
  await failWith("", 0);
  mesh.dialled[1]!.reset();
  await failWith("Connection refused", 2);
  assertEquals(log.lines.map((line) => line.replace(/^.* mesh: /, "")), [
    "no link to b.test: Reset by peer; trying again every 5 s",
    "no link to b.test: Connection refused; trying again every 5 s",
    "no link to b.test: No route to host; trying again every 5 s",
    "no link to b.test: Connection refused; trying again every 5 s",
    "linked to b.test",
    "no link to b.test: Reset by peer; trying again every 5 s",
    "no link to b.test: Connection refused; trying again every 5 s",
  ]);
});

const WRONG_ANSWERS: [string, Uint8Array[], RegExp][] = [
  [
    "no relay",
    [new TextEncoder().encode("HTTP/1.1 404 Not Found\r\n\r\nnothing here")],
    /the answer to the upgrade is "HTTP\/1\.1 404 Not Found/,
  ],
  [
    "an endless answer",
    [new TextEncoder().encode("HTTP/1.1 101 x\r\n" + "a: b\r\n".repeat(1000))],
    /the answer to the upgrade is too long/,
  ],
  [
    "a wrong magic number",
    [SWITCHING, SERVER_KEY.with(5, 0)],
    /ServerKey frame without DERP's magic number/,
  ],
  [
    "another first frame",
    [SWITCHING, encodeFrame(FrameType.KeepAlive)],
    /KeepAlive frame instead of ServerKey/,
  ],
  [
    "a ServerInfo that doesn't open",
    [SWITCHING, SERVER_KEY, SERVER_INFO.with(40, SERVER_INFO[40]! ^ 1)],
    /ServerInfo does not open with the relay's key/,
  ],
  [
    "a frame out of bounds",
    [SWITCHING, SERVER_KEY, SERVER_INFO, Uint8Array.of(8, 0, 0, 0, 3)],
    /PeerGone frame of 3 bytes, allowed are 32 to 1024/,
  ],
];

for (const [name, bytes, pattern] of WRONG_ANSWERS) {
  Deno.test(`MeshLink that finds ${name} says what it found and tries again`, async () => {
    await using log = await CapturedLog.start();
    const { mesh, peers } = await startWith(...bytes);
    await using _mesh = mesh;
    const lines = log.matching("no link to b.test");
    assertEquals(lines.length, 2); // the first is that of the reset
    assertMatch(lines[1]!, pattern);
    await mesh.clock.advance(RETRY_MS);
    assertEquals(peers.length, 2);
    assertEquals(mesh.local.metric("derp_gauge_clients_total"), 0);
  });
}

Deno.test("MeshLink bounds what waits for a relay that doesn't read, and gives up on it after 30 s", async () => {
  await using log = await CapturedLog.start();
  const { mesh, peers } = await startWith(SWITCHING, SERVER_KEY, SERVER_INFO);
  await using _mesh = mesh;
  const { local } = mesh;
  using a = await local.connect({ key: testKey(10) });
  local.relay.table.addForwarder(testKey(20).publicKey, mesh.link);
  for (let i = 0; i < 1000; i++) {
    await a.sendPacket(testKey(20).publicKey, packetOf(1400, i));
  }
  await settle();
  const dropped = local.dropped("queue_head");
  assert(dropped.packets > 500, `${dropped.packets}`);
  assertEquals(dropped.bytes, dropped.packets * 1400);
  await mesh.clock.advance(29_999);
  assertEquals(peers.length, 1);
  log.lines.length = 0;
  await mesh.clock.advance(1);
  assertEquals(log.lines.length, 1);
  assert(log.lines[0]!.includes("took nothing for 30"), log.lines[0]);
  const lost = ["queue_head", "write_error", "gone_disconnected"]
    .reduce((sum, reason) => sum + local.dropped(reason).packets, 0);
  assert(lost > 900 && lost <= 1000, `${lost}`);
});

Deno.test("MeshLink that comes and goes has six lines a minute, and one for the rest", async () => {
  await using log = await CapturedLog.start();
  await using mesh = await TestLink.start();
  for (let i = 0; i < 11; i++) {
    mesh.dialled.at(-1)!.reset();
    await mesh.clock.advance(RETRY_MS);
  }
  const lines = () => log.matching(" b.test");
  assertEquals(lines().length, 6);
  await mesh.clock.advance(RETRY_MS);
  assertEquals(lines().length, 7);
  assertMatch(lines()[6]!, /linked to b\.test \(the last of 17 in a minute\)$/);
});
