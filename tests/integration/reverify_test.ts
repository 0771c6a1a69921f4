/** Access that ends: established clients of a whole relay that are asked about again. */
import type { Verification } from "../../src/config/config.ts";
import { NodePrivate } from "../../src/keys/node_key.ts";
import { delay, systemClock } from "../../src/util/clock.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { type Behaviour, FakeTailscaled } from "../support/fake_tailscaled.ts";
import { RunningDerper } from "../support/running_derper.ts";

const MEMBER = NodePrivate.generate();
const LEAVER = NodePrivate.generate();
/** Shorter than anybody would have it, and longer than a question takes. */
const INTERVAL_MS = 500;

/** A relay that asks the tailscaled at `socket`. */
function verifying(
  socket: string,
  reverifyIntervalMs: number,
): { verification: Verification } {
  return {
    verification: {
      sockets: [socket],
      urls: [],
      urlFailOpen: true,
      policy: "each-kind",
      cacheTtlMs: 60_000,
      staleTtlMs: 0,
      reverifyIntervalMs,
    },
  };
}

/** A tailnet with everybody in it, and a relay with two clients, of which one will have to leave. */
async function setUp(reverifyIntervalMs = INTERVAL_MS) {
  const stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const log = stack.use(await CapturedLog.start());
  const socket = `${dir}/tailscaled.sock`;
  const self = NodePrivate.generate().publicKey;
  const daemon = stack.use(
    new FakeTailscaled(socket, self, MEMBER.publicKey),
  );
  daemon.knowsEverybody = true;
  const relay = stack.use(
    await RunningDerper.start(verifying(socket, reverifyIntervalMs)),
  );
  const member = stack.use(await relay.client({ key: MEMBER }));
  const leaver = stack.use(await relay.client({ key: LEAVER }));
  return {
    socket,
    log,
    daemon,
    relay,
    member,
    leaver,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Waits until the tailscaled has been asked `count` more questions. */
async function asked(daemon: FakeTailscaled, count: number): Promise<void> {
  const until = daemon.questions.length + count;
  while (daemon.questions.length < until) await delay(systemClock, 10);
}

Deno.test("Derper ends the connection of a client that is no longer in the tailnet, in spite of the cache, and says why", async () => {
  await using test = await setUp();
  const { daemon, leaver, member, log, socket } = test;
  await asked(daemon, 4);
  daemon.knowsEverybody = false;
  assertEquals(await leaver.expectEnd(), []);
  const lines = log.matching("ended the connection of");
  assertEquals(lines.length, 1);
  assertStringIncludes(
    lines[0]!,
    `ended the connection of ${LEAVER.publicKey.shortString()} from 127.0.0.1: Not found in the tailnet`,
  );
  assertStringIncludes(
    lines[0]!,
    `; to ask again: derper verify ${LEAVER.publicKey} -verify-clients -socket ${socket}`,
  );
  await asked(daemon, 2);
  await member.sendPacket(MEMBER.publicKey, new Uint8Array(3));
  assertEquals((await member.expectPacket()).packet.length, 3);
});

const FAILURES: Behaviour[] = ["failing", "half", "closing", "forbidding"];
for (const behaviour of FAILURES) {
  Deno.test(`Derper keeps its clients while tailscaled is ${behaviour}`, async () => {
    await using test = await setUp();
    const { daemon, leaver, log } = test;
    daemon.knowsEverybody = false;
    daemon.behaviour = behaviour;
    await asked(daemon, 4);
    await leaver.sendPacket(LEAVER.publicKey, new Uint8Array(3));
    assertEquals((await leaver.expectPacket()).packet.length, 3);
    assertEquals(log.matching("ended the connection of"), []);
    daemon.behaviour = "good";
    assertEquals(await leaver.expectEnd(), []);
  });
}

Deno.test("Derper asks about nobody again by default", async () => {
  await using test = await setUp(0);
  const { daemon, leaver } = test;
  const before = daemon.questions.length;
  daemon.knowsEverybody = false;
  await delay(systemClock, 600);
  // The watch over the source itself may ask for the status.
  const keys = daemon.questions.slice(before)
    .filter(({ target }) => target.includes(LEAVER.publicKey.hex()));
  assertEquals(keys, []);
  await leaver.sendPacket(LEAVER.publicKey, new Uint8Array(3));
  assertEquals((await leaver.expectPacket()).packet.length, 3);
});

Deno.test("Derper says who has admitted each client, in a line and at /debug/traffic", async () => {
  await using test = await setUp(0);
  const { log, relay, socket } = test;
  const lines = log.matching("admitted [");
  assertEquals(lines.length, 2);
  assertMatch(
    lines[0]!,
    /admitted \[.{5}\] \(laptop\.example\.ts\.net\) from 127\.0\.0\.1 by tailscaled/,
  );
  using client = Deno.createHttpClient({ caCerts: [relay.certificate] });
  const url = `https://127.0.0.1:${relay.derper.port}/debug/traffic`;
  const response = await fetch(url, { client });
  const text = await response.text();
  const clients = text.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(clients.length, 2);
  for (const { AdmittedBy, Node } of clients) {
    assert(AdmittedBy.includes(socket), AdmittedBy);
    assertEquals(Node, "laptop.example.ts.net");
  }
});
