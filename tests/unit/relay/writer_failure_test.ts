/** How a connection's way out ends, and that all which is lost with it is counted. */
import { assert, assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/fake_clock.ts";
import { discoPacket, packetOf } from "../../support/packets.ts";
import { CONTROL, setUpWriter, SOURCE } from "./writer_setup.ts";

Deno.test("Writer gives up on a connection that takes nothing for its time, and only then", async () => {
  const { conn, clock, send, failures, metrics, writer, drops } = setUpWriter();
  send(packetOf(100));
  await settle();
  send(packetOf(200));
  send(discoPacket(62));
  await clock.advance(1999);
  assert(!conn.closed);
  await clock.advance(1);
  assert(conn.closed);
  assert(writer.isClosed);
  assertEquals(failures.map(({ code }) => code), ["timeout"]);
  assertEquals(failures[0]!.message, "it took nothing for 2000 ms");
  assertEquals(metrics.clientWriteTimeouts, 1);
  assertEquals(drops("write_error"), 1); // the one under way
  assertEquals(drops("gone_disconnected"), 1);
  assertEquals(drops("gone_disconnected", "disco"), 1);
  assertEquals(clock.pending, 0);
});

Deno.test("Writer gives a slow connection its time anew with every part that it takes", async () => {
  const { conn, clock, send, failures } = setUpWriter();
  send(packetOf(1000));
  await settle();
  for (let i = 0; i < 10; i++) {
    await clock.advance(1900);
    conn.take(50);
    await settle();
  }
  assertEquals(failures, []);
  await clock.advance(1999);
  assertEquals(failures, []);
  await clock.advance(1);
  assertEquals(failures.length, 1);
});

Deno.test("Writer waits on where the other end gets what was written before, and goes on then", async () => {
  const { conn, clock, send, failures } = setUpWriter();
  const asked: number[] = [];
  conn.isDraining = (withinMs) => Promise.resolve(asked.push(withinMs) > 0);
  send(packetOf(100));
  await clock.advance(1999);
  assertEquals(asked, []); // nobody asks while there is time
  await clock.advance(1);
  assertEquals(asked, [2000]);
  await clock.advance(10_000);
  assert(asked.length > 10 && clock.pending === 1);
  conn.take();
  await settle();
  assertEquals(failures, []);
  send(packetOf(100)); // has its own time
  const before = asked.length;
  await clock.advance(1999);
  assertEquals(asked.length, before);
});

Deno.test("Writer gives up as soon as the other end gets nothing any more", async () => {
  const { conn, clock, send, failures, metrics } = setUpWriter();
  let isDraining = true;
  // deno-lint-ignore require-await
  conn.isDraining = async () => isDraining;
  send(packetOf(100));
  await clock.advance(4000);
  assertEquals(failures, []);
  isDraining = false;
  await clock.advance(500);
  assertEquals(failures[0]!.message, "it took nothing for 4500 ms");
  assertEquals([metrics.clientWriteTimeouts, clock.pending], [1, 0]);
});

Deno.test("Writer gives up on a write that takes fifteen times its time, whatever the other end gets", async () => {
  const { conn, clock, send, failures } = setUpWriter();
  // deno-lint-ignore require-await
  conn.isDraining = async () => true;
  send(packetOf(100));
  await clock.advance(29_999);
  assertEquals(failures, []);
  await clock.advance(500);
  assertEquals(failures.map(({ code }) => code), ["timeout"]);
});

Deno.test("Writer judges no write by what it heard about the one before", async () => {
  const { conn, clock, send, failures } = setUpWriter();
  const asking = Promise.withResolvers<void>();
  conn.isDraining = async () => {
    await asking.promise;
    return false;
  };
  send(packetOf(100));
  await clock.advance(2100);
  conn.take(50); // it moves on while the question is under way
  await settle();
  asking.resolve();
  await settle();
  assertEquals(failures, []);
  await clock.advance(2000);
  assertEquals(failures.length, 1);
});

Deno.test("Writer gives each write its own time, with one timer for all", async () => {
  const { conn, clock, send, failures } = setUpWriter();
  for (let i = 0; i < 20; i++) {
    send(packetOf(100));
    await clock.advance(900);
    assert(clock.pending <= 1);
    conn.take();
  }
  assertEquals(failures, []);
  await clock.advance(60_000); // idle
  assertEquals(failures, []);
  assertEquals(clock.pending, 0);
});

Deno.test("Writer with a timeout of 0 waits for ever, without a timer", async () => {
  const { conn, clock, send, failures } = setUpWriter({ timeoutMs: 0 });
  send(packetOf(100));
  await clock.advance(3_600_000);
  assertEquals(clock.pending, 0);
  assertEquals(failures, []);
  conn.take();
  await settle();
  assert(!conn.closed);
});

Deno.test("Writer ends a connection whose control frames gather over their limit", async () => {
  const { conn, writer, failures, metrics } = setUpWriter({
    controlLimitBytes: 100,
  });
  writer.sendControl(CONTROL); // 25 bytes, and at once under way
  await settle();
  for (let i = 0; i < 4; i++) writer.sendControl(CONTROL);
  assertEquals(failures, []);
  writer.sendControl(CONTROL);
  assertEquals(failures.map(({ code }) => code), ["control_queue_full"]);
  assert(conn.closed);
  writer.sendControl(CONTROL); // no second report
  await settle();
  assertEquals(failures.length, 1);
  assertEquals(metrics.clientWriteTimeouts, 0);
});

Deno.test("Writer counts what a broken write and the queue behind it lose", async () => {
  const { conn, send, failures, writer, metrics, drops } = setUpWriter();
  for (let i = 0; i < 3; i++) send(packetOf(10));
  await settle();
  send(packetOf(7));
  conn.fail();
  await settle();
  assertEquals(failures.map(({ code }) => code), ["connection"]);
  assert(failures[0]!.cause instanceof Deno.errors.ConnectionReset);
  assert(writer.isClosed);
  assertEquals(drops("write_error"), 3);
  assertEquals(drops("gone_disconnected"), 1);
  const bytes = 'derp_bytes_dropped{reason="write_error",kind="other"}';
  assertEquals(metrics.snapshot()[bytes], 30);
  assertEquals(metrics.packetsSent, 0);
});

Deno.test("Writer.close() drops what waits, reports nothing, and leaves no timer", async () => {
  const { conn, clock, send, writer, failures, drops } = setUpWriter();
  send(packetOf(10));
  await settle();
  send(packetOf(11));
  writer.sendControl(CONTROL);
  writer.close();
  writer.close();
  await settle();
  assert(conn.closed);
  assertEquals(drops("gone_disconnected"), 1);
  assertEquals(failures, []);
  assertEquals(clock.pending, 0);
});

Deno.test("Writer.close() before the turn ends lets nothing be written", async () => {
  const { conn, send, writer, drops } = setUpWriter();
  send(packetOf(10));
  writer.close();
  await settle();
  assertEquals(conn.asked, []);
  assertEquals(drops("gone_disconnected"), 1);
});

Deno.test("Writer counts a packet that comes after its end as gone_disconnected", async () => {
  const { conn, send, writer, drops } = setUpWriter();
  writer.close();
  send(packetOf(10));
  send(discoPacket(62));
  writer.forwardPacket(SOURCE, packetOf(50), 0, 50);
  writer.sendControl(CONTROL);
  await settle();
  assertEquals(conn.asked, []);
  assertEquals(drops("gone_disconnected"), 2);
  assertEquals(drops("gone_disconnected", "disco"), 1);
});

Deno.test("Writer.close() after a write was taken, before that is known, still counts it as sent", async () => {
  const { conn, send, writer, metrics, drops } = setUpWriter();
  send(packetOf(10));
  await settle();
  conn.take();
  writer.close();
  await settle();
  assertEquals(metrics.packetsSent, 1);
  assertEquals(drops("write_error"), 0);
});
