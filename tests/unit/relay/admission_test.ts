/** Who is asked before a client is let in, and what a refusal looks like. */
import type {
  Admission,
  Candidate,
  Verdict,
} from "../../../src/admission/admission.ts";
import type { Established } from "../../../src/admission/reverifier.ts";
import { FrameType } from "../../../src/derp/frame.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { settle } from "../../support/fake_clock.ts";
import { packetOf } from "../../support/packets.ts";
import { TestClient } from "../../support/test_client.ts";
import { TestRelay } from "../../support/test_relay.ts";
import { testKey, testMeshKey } from "../../support/test_keys.ts";

/** Answers as it is told and remembers who asked. */
class FakeAdmission implements Admission {
  readonly asked: Candidate[] = [];
  answer: (candidate: Candidate) => Promise<Verdict>;

  constructor(answer: Verdict | ((candidate: Candidate) => Promise<Verdict>)) {
    this.answer = typeof answer === "function"
      ? answer
      : () => Promise.resolve(answer);
  }

  admit(candidate: Candidate): Promise<Verdict> {
    this.asked.push(candidate);
    return this.answer(candidate);
  }
}

const ALLOW: Verdict = { allow: true, by: "a test" };

Deno.test("Relay asks for each key with the address of its socket", async () => {
  const admission = new FakeAdmission(ALLOW);
  await using relay = new TestRelay({ admission });
  using a = await relay.connect({
    key: testKey(2),
    pair: { clientAddress: { ip: "203.0.113.9", port: 5 } },
  });
  await a.sendPacket(a.publicKey, packetOf(1));
  await a.expectPacket();
  assertEquals(
    admission.asked.map(({ key, ip }) => `${key} ${ip}`),
    [`${testKey(2).publicKey} 203.0.113.9`],
  );
});

Deno.test("Relay closes whom it refuses in silence, after one line with key, address, reason and advice", async () => {
  await using log = await CapturedLog.start();
  const admission = new FakeAdmission({
    allow: false,
    isClear: true,
    reason: "tailscaled doesn't know it",
    advice: "mount the directory",
  });
  await using relay = new TestRelay({ admission });
  const { client } = relay.accept({
    clientAddress: { ip: "203.0.113.9", port: 5 },
  });
  const error = await TestClient.overDerp(client, { key: testKey(2) })
    .catch((error) => error);
  assertMatch(String(error), /closed the connection before ServerInfo/);
  assertEquals(log.lines.length, 1);
  assertMatch(
    log.lines[0]!,
    /\[warning\] relay: refused \[zo060\] from 203\.0\.113\.9: tailscaled doesn't know it; mount the directory$/,
  );
  assertEquals(relay.metric("derp_accepts"), 1);
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
});

Deno.test("Relay says who has admitted a client and what the node is called, in a line and in its traffic", async () => {
  await using log = await CapturedLog.start();
  const verdicts: Verdict[] = [
    { allow: true, by: 'tailscaled at "/run/a.sock"', node: "laptop" },
    { allow: true, by: 'keys file "/etc/keys"' },
  ];
  const admission = new FakeAdmission(() => Promise.resolve(verdicts.shift()!));
  await using relay = new TestRelay({ admission, meshKey: testMeshKey(1) });
  const pair = { clientAddress: { ip: "203.0.113.9", port: 5 } };
  using _a = await relay.connect({ key: testKey(2), pair });
  using _b = await relay.connect({ key: testKey(3), pair });
  using _peer = await relay.connect({ meshKey: testMeshKey(1) });
  assertEquals(
    log.lines.map((line) => line.replace(/^.*\[info\] /, "")),
    [
      'relay: admitted [zo060] (laptop) from 203.0.113.9 by tailscaled at "/run/a.sock"',
      'relay: admitted [Xf7dO] from 203.0.113.9 by keys file "/etc/keys"',
    ],
  );
  const traffic = [...relay.relay.table.sessions()].map((it) => it.traffic());
  assertEquals(
    traffic.map(({ admitted }) => [admitted?.by, admitted?.node]),
    [
      ['tailscaled at "/run/a.sock"', "laptop"],
      ['keys file "/etc/keys"', undefined],
      [undefined, undefined],
    ],
  );
});

Deno.test("Relay gives whoever reads of a refusal the command that asks again", async () => {
  await using log = await CapturedLog.start();
  const admission = new FakeAdmission({
    allow: false,
    isClear: false,
    reason: "it hangs",
    advice: "restart it",
  });
  await using relay = new TestRelay({
    admission,
    verifyCommand: (key) => `derper verify ${key} -verify-clients`,
  });
  await relay.connect({ key: testKey(2) }).catch(() => {});
  assertMatch(
    log.lines[0]!,
    /: it hangs; restart it; to ask again: derper verify nodekey:ce8d[0-9a-f]{60} -verify-clients$/,
  );
});

Deno.test("Relay has admitted clients asked about again, mesh peers never, until they leave or have to go", async () => {
  const watched: Established[] = [];
  let left = 0;
  const reverifier = {
    watch(client: Established) {
      watched.push(client);
      return { [Symbol.dispose]: () => void left++ };
    },
  };
  const admission = new FakeAdmission(ALLOW);
  await using relay = new TestRelay({
    admission,
    reverifier,
    meshKey: testMeshKey(1),
  });
  const client = await relay.connect({ key: testKey(2) });
  using other = await relay.connect({ key: testKey(3) });
  using _peer = await relay.connect({ meshKey: testMeshKey(1) });
  assertEquals(
    watched.map(({ key, ip }) => `${key} ${ip}`),
    [2, 3].map((n) => `${testKey(n).publicKey} 198.51.100.7`),
  );
  client.close();
  await settle();
  assertEquals(left, 1);
  watched[1]!.end();
  assertEquals(await other.expectEnd(), []);
  await settle();
  assertEquals([left, relay.metric("derp_gauge_current_connections")], [2, 1]);
});

Deno.test("Relay writes one line for each refusal", async () => {
  await using log = await CapturedLog.start();
  const admission = new FakeAdmission({
    allow: false,
    isClear: true,
    reason: "no",
    advice: "do",
  });
  await using relay = new TestRelay({ admission });
  for (let i = 0; i < 3; i++) {
    await relay.connect().catch(() => {});
  }
  assertEquals(log.matching("refused [").length, 3);
  assertMatch(log.lines[2]!, /: no; do$/);
});

Deno.test("Relay lets nobody refused be seen by others", async () => {
  const admission = new FakeAdmission(({ key }) =>
    Promise.resolve(
      key.equals(testKey(2).publicKey)
        ? { allow: false, isClear: true, reason: "no", advice: "do" }
        : ALLOW,
    )
  );
  await using relay = new TestRelay({ admission, meshKey: testMeshKey(1) });
  using watcher = await relay.connect({ meshKey: testMeshKey(1) });
  await watcher.send(FrameType.WatchConns);
  await watcher.drain();
  await relay.connect({ key: testKey(2) }).catch(() => {});
  await watcher.expectNone();
});

Deno.test("Relay doesn't ask for mesh peers, but for those with a wrong mesh key", async () => {
  const admission = new FakeAdmission(ALLOW);
  await using relay = new TestRelay({ admission, meshKey: testMeshKey(1) });
  using _peer = await relay.connect({ meshKey: testMeshKey(1) });
  assertEquals(admission.asked.length, 0);
  using _client = await relay.connect({ meshKey: testMeshKey(2) });
  assertEquals(admission.asked.length, 1);
});

Deno.test("Relay doesn't ask for who has not proven its key", async () => {
  const admission = new FakeAdmission(ALLOW);
  await using relay = new TestRelay({ admission });
  const { client, done } = relay.accept();
  await client.write(Uint8Array.of(2, 0, 0, 0, 60, ...new Uint8Array(60)));
  await done;
  assertEquals(admission.asked.length, 0);
});

Deno.test("Relay serves others while one waits to be admitted, longer than a handshake may take", async () => {
  const slow = Promise.withResolvers<Verdict>();
  const admission = new FakeAdmission(({ key }) =>
    key.equals(testKey(2).publicKey) ? slow.promise : Promise.resolve(ALLOW)
  );
  await using relay = new TestRelay({ admission });
  const waiting = relay.connect({ key: testKey(2) });
  using a = await relay.connect();
  await relay.clock.advance(15_000);
  await a.sendPacket(testKey(2).publicKey, packetOf(1)); // not here yet
  await a.sendPacket(a.publicKey, packetOf(2));
  assertEquals((await a.expectPacket()).packet, packetOf(2));
  assertEquals(relay.dropped("unknown_dest").packets, 1);
  slow.resolve(ALLOW);
  using late = await waiting;
  await a.sendPacket(late.publicKey, packetOf(3));
  assertEquals((await late.expectPacket()).packet, packetOf(3));
});

Deno.test("Relay bears a client that leaves while it waits to be admitted", async () => {
  const slow = Promise.withResolvers<Verdict>();
  await using relay = new TestRelay({
    admission: new FakeAdmission(() => slow.promise),
  });
  const { client, done } = relay.accept();
  const connecting = TestClient.overDerp(client, { key: testKey(2) });
  connecting.catch(() => {});
  await settle();
  client.close();
  slow.resolve(ALLOW);
  await done;
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
  assertEquals(relay.metric("derp_gauge_clients_total"), 0);
});

Deno.test("Relay lets nobody in whose admission fails, and logs why", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay({
    admission: new FakeAdmission(() => Promise.reject(new Error("broken"))),
  });
  const { client, done } = relay.accept();
  const connecting = TestClient.overDerp(client, { key: testKey(2) });
  connecting.catch(() => {});
  await done;
  assertEquals(relay.metric("derp_gauge_current_connections"), 0);
  assertEquals(log.lines.length, 1);
  assertMatch(log.lines[0]!, /ended a connection from \S+: broken$/);
});

/** `count` clients come, each with a key of its own. */
async function crowd(relay: TestRelay, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { client } = relay.accept({
      clientAddress: { ip: `203.0.113.${i % 250}`, port: 5 },
    });
    await TestClient.overDerp(client, { key: testKey(i % 200 + 2) })
      .catch(() => {}); // refused
  }
}

Deno.test("Relay has ten lines a minute about strangers of one reason, and one about all others", async () => {
  await using log = await CapturedLog.start();
  const refuse = (reason: string): Verdict => ({
    allow: false,
    isClear: true,
    reason,
    advice: "log in",
  });
  let verdict = refuse("Not in the list");
  const admission = new FakeAdmission(() => Promise.resolve(verdict));
  await using relay = new TestRelay({
    admission,
    verifyCommand: (key) => `derper verify ${key}`,
  });
  await crowd(relay, 200);
  verdict = refuse("Nobody answers");
  await crowd(relay, 12);
  assertEquals(log.matching("Not in the list").length, 10);
  assertEquals(log.matching("Nobody answers").length, 10);
  await relay.clock.advance(60_000);
  assertEquals(log.lines.length, 22);
  assertMatch(
    log.lines[20]!,
    /refused \[.{5}\] from 203\.0\.113\.199: Not in the list; log in; to ask again: derper verify nodekey:\w{64} \(the last of 190 in a minute\)$/,
  );
  assertMatch(
    log.lines[21]!,
    /Nobody answers; .* \(the last of 2 in a minute\)$/,
  );
});

Deno.test("Relay has twenty lines a minute about clients it admits, and one about all others", async () => {
  await using log = await CapturedLog.start();
  await using relay = new TestRelay({ admission: new FakeAdmission(ALLOW) });
  await crowd(relay, 300);
  assertEquals(log.matching("admitted ").length, 20);
  await relay.clock.advance(60_000);
  assertEquals(log.lines.length, 21);
  assertMatch(
    log.lines[20]!,
    /admitted \[.{5}\] from 203\.0\.113\.49 by a test \(the last of 280 in a minute\)$/,
  );
});
