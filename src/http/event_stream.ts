/** Answers that go on: server-sent events, written as they come until either side has enough. */
import { type Conn, ConnectionLostError, writeAll } from "../net/conn.ts";
import type { Clock } from "../util/clock.ts";
import { Deadline, DeadlineError } from "./deadline.ts";
import type { RequestReader } from "./request_reader.ts";

/** The type of such an answer; it is what tells one from others. */
export const EVENT_STREAM_TYPE = "text/event-stream";

/** For what is written to be taken; derper's limit. */
const WRITE_TIMEOUT_MS = 30_000;

/** The body of an event stream; undefined where `response` is any other. */
export function bodyOfEvents(
  { headers, body }: Response,
): ReadableStream<Uint8Array> | undefined {
  return headers.get("content-type") === EVENT_STREAM_TYPE && body || undefined;
}

/**
 * Writes the head and then what `events` has, asking for more only when that is
 * taken. Resolves when the events are over, or the client has gone, or has said
 * anything more: who listens has nothing to say. The events are then cancelled.
 *
 * @throws ConnectionLostError, and what conn.write() rejects with
 */
export async function sendEvents(
  head: Uint8Array,
  events: ReadableStream<Uint8Array>,
  { conn, reader, clock }: { conn: Conn; reader: RequestReader; clock: Clock },
): Promise<void> {
  const chunks = events.getReader();
  void reader.heard().then(() => chunks.cancel()).catch(() => {}); // it is over in any case
  try {
    await writeInTime(conn, head, clock);
    for (;;) {
      const { value, done } = await chunks.read();
      if (done) return;
      await writeInTime(conn, value, clock);
    }
  } finally {
    await chunks.cancel();
  }
}

/**
 * Writes all; who doesn't take it in time is as good as gone.
 *
 * @throws ConnectionLostError, and what conn.write() rejects with
 */
export async function writeInTime(
  conn: Conn,
  bytes: Uint8Array,
  clock: Clock,
): Promise<void> {
  try {
    await new Deadline(clock, WRITE_TIMEOUT_MS).wait(writeAll(conn, bytes));
  } catch (cause) {
    if (!(cause instanceof DeadlineError)) throw cause;
    throw new ConnectionLostError("Answer not taken in time", { cause });
  }
}
