/** `@std/http`'s server-sent events with the types that its npm edition lacks. */
// @ts-types="./server_sent_events.d.ts"
export { ServerSentEventStream } from "@std/http/server-sent-event-stream";
// @ts-types="./server_sent_events.d.ts"
export type { ServerSentEventMessage } from "@std/http/server-sent-event-stream";
