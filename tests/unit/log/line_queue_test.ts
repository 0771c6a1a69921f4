/** Log lines that somebody reads, late, or not at all. */
import { LineQueue, type LineSink } from "../../../src/log/line_queue.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** Takes as many bytes as it is given room for. */
class FakeSink implements LineSink {
  room = Infinity;
  text = "";
  writes = 0;
  error: Error | undefined;

  write(data: Uint8Array): number {
    if (this.error !== undefined) throw this.error;
    this.writes++;
    this.text += new TextDecoder().decode(data);
    this.room -= data.length;
    return data.length;
  }
}

function open() {
  const clock = new FakeClock();
  const sink = new FakeSink();
  const queue: LineQueue = new LineQueue(
    sink,
    clock,
    (lines) => queue.write(`${lines} lost\n`),
  );
  return { clock, sink, queue };
}

Deno.test("LineQueue.write() has written a line when it returns, and keeps no timer", () => {
  const { clock, sink, queue } = open();
  queue.write("one\n");
  assertEquals(sink.text, "one\n");
  queue.write("two\n");
  assertEquals(sink.text, "one\ntwo\n");
  assertEquals(sink.writes, 2);
  assertEquals(clock.pending, 0);
});

Deno.test("LineQueue keeps lines in order, and in parts, for a reader that comes late", async () => {
  const { clock, sink, queue } = open();
  sink.room = 6;
  queue.write("first\n");
  queue.write("second\n");
  queue.write("third\n");
  assertEquals(sink.text, "first\n");
  sink.room = 3;
  await clock.advance(100);
  assertEquals(sink.text, "first\nsec");
  await clock.advance(1_000);
  assertEquals(sink.text, "first\nsec");
  sink.room = Infinity;
  await clock.advance(100);
  assertEquals(sink.text, "first\nsecond\nthird\n");
  assertEquals(clock.pending, 0);
});

Deno.test("LineQueue keeps half a megabyte, counts the rest, and says so once", async () => {
  const { clock, sink, queue } = open();
  sink.room = 0;
  const line = `${"x".repeat(1_023)}\n`;
  for (let i = 0; i < 600; i++) queue.write(line);
  await clock.advance(60_000);
  assertEquals(sink.writes, 0);
  sink.room = Infinity;
  await clock.advance(100);
  assertEquals(sink.text, `${line.repeat(512)}88 lost\n`);
  queue.write("now\n");
  assert(sink.text.endsWith("88 lost\nnow\n"));
});

Deno.test("LineQueue goes on without whoever has gone", () => {
  const { clock, sink, queue } = open();
  sink.error = new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
  queue.write("one\n");
  queue.write("two\n");
  assertEquals(clock.pending, 0);
  sink.error = undefined;
  queue.write("three\n");
  assertEquals(sink.text, "three\n");
});

Deno.test("LineQueue.flush() waits until everything is written", async () => {
  const { clock, sink, queue } = open();
  sink.room = 0;
  queue.write("one\n");
  let isDone = false;
  const done = queue.flush(500).then(() => isDone = true);
  await clock.advance(200);
  assert(!isDone);
  sink.room = Infinity;
  await clock.advance(200);
  assert(isDone);
  assertEquals(sink.text, "one\n");
  await done;
  assertEquals(clock.pending, 0);
});

Deno.test("LineQueue.flush() doesn't wait for ever", async () => {
  const { clock, sink, queue } = open();
  sink.room = 0;
  queue.write("one\n");
  const done = queue.flush(500);
  await clock.advance(550);
  await done;
  assertEquals(clock.pending, 0);
});

Deno.test("LineQueue.flush() takes no time where nothing waits", async () => {
  const { clock, queue } = open();
  queue.write("one\n");
  await queue.flush(500);
  assertEquals(clock.nowMs(), 0);
});
