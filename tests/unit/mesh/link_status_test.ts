/** What a link tells of itself, and the Pings that it sends for it. */
import { FrameType } from "../../../src/derp/frame.ts";
import { RoundTrip } from "../../../src/mesh/round_trip.ts";
import { assertEquals, assertStringIncludes } from "../../support/assert.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { testMeshKey } from "../../support/test_keys.ts";
import { TestLink } from "../../support/test_link.ts";

/** A Ping's payload. */
function payloadOf(frame: Uint8Array): Uint8Array {
  assertEquals([frame[0], frame.length], [FrameType.Ping, 13]);
  return frame.slice(5);
}

Deno.test("RoundTrip measures from a Ping to its Pong, every 30 s", async () => {
  const clock = new FakeClock();
  const sent: Uint8Array[] = [];
  using trip = new RoundTrip(clock, (frame) => sent.push(frame));
  assertEquals([sent.length, trip.ms], [1, undefined]);
  await clock.advance(12);
  trip.pong(payloadOf(sent[0]!));
  assertEquals(trip.ms, 12);
  await clock.advance(5);
  trip.pong(payloadOf(sent[0]!)); // once more
  assertEquals(trip.ms, 12);
  await clock.advance(30_000);
  assertEquals(sent.length, 2);
  assertEquals(trip.ms, 12);
});

Deno.test("RoundTrip takes only the Pong of its last Ping, and knows nothing when none comes", async () => {
  const clock = new FakeClock();
  const sent: Uint8Array[] = [];
  const trip = new RoundTrip(clock, (frame) => sent.push(frame));
  trip.pong(new Uint8Array(8));
  assertEquals(trip.ms, undefined);
  trip.pong(payloadOf(sent[0]!));
  assertEquals(trip.ms, 0);
  await clock.advance(60_000); // the second is lost, the third is under way
  assertEquals(trip.ms, undefined);
  trip.pong(payloadOf(sent[1]!));
  assertEquals(trip.ms, undefined);
  trip.pong(payloadOf(sent[2]!));
  assertEquals(trip.ms, 0);
  trip[Symbol.dispose]();
  assertEquals(clock.pending, 0);
});

Deno.test("MeshLink tells that it is linked, for how long, and how quick the other relay is", async () => {
  await using link = await TestLink.start();
  using _client = await link.remote.connect();
  await settle();
  const linked = link.link.status;
  assertEquals(linked, {
    host: "b.test",
    state: "linked",
    since: new Date("2026-01-02T03:04:05.000Z"),
    clients: 2, // itself among them
    roundTripMs: 0,
    lastError: undefined,
  });
});

Deno.test("MeshLink tells since when it is down, and why", async () => {
  await using link = await TestLink.start();
  link.answer = () => Promise.reject(new Error("no route to host"));
  await link.clock.advance(10_000);
  link.dialled[0]!.reset();
  await link.clock.advance(20_000);
  const { state, since, clients, roundTripMs, lastError } = link.link.status;
  assertEquals([state, clients, roundTripMs], ["down", 0, undefined]);
  assertEquals(lastError, "no route to host");
  assertEquals(since, new Date("2026-01-02T03:04:15.000Z"));
});

Deno.test("MeshLink tells of itself, and of another mesh key", async () => {
  await using other = await TestLink.start({ remoteMeshKey: testMeshKey(2) });
  assertEquals(other.link.status.state, "down");
  assertStringIncludes(
    other.link.status.lastError ?? "",
    "does it have the same mesh key?",
  );
  const self = await TestLink.start({ remoteKey: other.local.key });
  assertEquals(self.link.status.state, "self");
  await self[Symbol.asyncDispose]();
});
