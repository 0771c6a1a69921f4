/** The live half of the status page: what has changed, every two seconds, for as long as somebody watches. */
import { EVENT_STREAM_TYPE } from "../../http/event_stream.ts";
import { textResponse } from "../../http/response.ts";
import { STATUS_CODE } from "../../http/status.ts";
import { type Cancel, type Clock, delay } from "../../util/clock.ts";
import { Changes } from "./changes.ts";
import type { StatusQuery } from "./query.ts";
import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "./server_sent_events.ts";
import type { StatusView } from "./view.ts";

/** At a time. */
const MAX_STREAMS = 16;
const INTERVAL_MS = 2_000;
/** Then the browser comes again by itself, and it is asked anew whether it may. */
const MAX_LIFE_MS = 60 * 60_000;
/** How long a browser waits before it comes again. */
const RETRY_MS = 3_000;

/** Opens event streams, up to a limit. */
export class StatusEvents {
  readonly #view: StatusView;
  readonly #clock: Clock;
  #open = 0;

  constructor(view: StatusView, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
  }

  /** Begins with all, goes on with changes, and ends when nobody reads any more or after an hour. */
  answer(query: StatusQuery): Response {
    if (this.#open >= MAX_STREAMS) {
      return textResponse(
        STATUS_CODE.ServiceUnavailable,
        `${MAX_STREAMS} event streams are open already; close a page`,
      );
    }
    const stream = this.#stream(query).pipeThrough(new ServerSentEventStream());
    const headers = {
      "Content-Type": EVENT_STREAM_TYPE,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    };
    return new Response(stream, { headers });
  }

  /** Who is slow misses moments, but nothing is kept for him. */
  #stream(query: StatusQuery): ReadableStream<ServerSentEventMessage> {
    const view = this.#view;
    const clock = this.#clock;
    const changes = new Changes();
    const ending = new AbortController();
    const { signal } = ending;
    let cancelLife: Cancel = () => {};
    let isFirst = true;
    this.#open++;
    const end = () => { // comes once: an ended stream is neither pulled nor cancelled
      this.#open--;
      cancelLife();
      ending.abort();
    };
    return new ReadableStream<ServerSentEventMessage>({
      start(controller) {
        cancelLife = clock.after(MAX_LIFE_MS, () => {
          end();
          controller.close();
        });
      },
      async pull(controller) {
        if (isFirst) controller.enqueue({ retry: RETRY_MS });
        else await delay(clock, INTERVAL_MS, signal);
        if (signal.aborted) return;
        isFirst = false;
        try {
          for (const event of changes.since(view.now(query))) {
            controller.enqueue(event);
          }
        } catch (error) {
          end();
          throw error;
        }
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}
