/** The part of `@std/http/server-sent-event-stream` that is used here; its npm edition has no types. */

/** One event; the data may have several lines. */
export interface ServerSentEventMessage {
  readonly event?: string;
  readonly data?: string;
  readonly retry?: number;
}

/** Events in, the bytes of `text/event-stream` out. */
export class ServerSentEventStream
  extends TransformStream<ServerSentEventMessage, Uint8Array> {
  constructor();
}
