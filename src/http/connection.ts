/** HTTP/1.1 on a `Conn`: one request after the other, and the way out for those who upgrade. */
import type { Conn, RemoteAddress } from "../net/conn.ts";
import { ForwardedConn } from "../net/forwarded_conn.ts";
import type { Clock, Turn } from "../util/clock.ts";
import type { Client, ClientAddresses } from "./client_address.ts";
import { Deadline } from "./deadline.ts";
import { bodyOfEvents, sendEvents, writeInTime } from "./event_stream.ts";
import { HttpError } from "./http_error.ts";
import { type Peer, readProxyHeader } from "./proxy_header.ts";
import type { RequestHead } from "./request_head.ts";
import { RequestReader } from "./request_reader.ts";
import {
  encodeHead,
  encodeResponse,
  type ResponseContext,
  textResponse,
} from "./response.ts";
import { STATUS_CODE } from "./status.ts";

/** For a page to be made; derper's limit. */
const PAGE_TIMEOUT_MS = 30_000;

/** What a page may know besides the request. */
export interface RequestInfo extends Client {
  /** Whether the request came over TLS. */
  readonly secure: boolean;
}

/** Answers one request. */
export type HttpHandler = (
  request: Request,
  info: RequestInfo,
) => Response | Promise<Response>;

/** Takes the connection over, or returns undefined and leaves it alone; `rest` came behind the head. */
export type UpgradeHandler = (
  head: RequestHead,
  conn: Conn,
  rest: Uint8Array,
) => Promise<void> | undefined;

/** How a port serves its connections. */
export interface HttpOptions {
  readonly clock: Clock;
  readonly turn: Turn;
  readonly secure: boolean;
  readonly handler: HttpHandler;
  /** Asked about each request with an `Upgrade` field and no body. */
  readonly upgrade?: UpgradeHandler | undefined;
  /** Finds out whose requests are; absent: they are the socket's. */
  readonly clients?: ClientAddresses | undefined;
}

/** Why a connection's HTTP is over; `kind` and `reason` are few and constant. */
export type HttpEnd =
  /** Either side had enough: nothing to tell. */
  | { readonly kind: "closed" }
  /** The connection was taken over, and that is over too. */
  | { readonly kind: "upgraded" }
  /** The client's fault; it was answered with `status`. */
  | {
    readonly kind: "refused";
    readonly status: number;
    readonly reason: string;
    /** The client, where a proxy told. */
    readonly remote?: RemoteAddress;
  }
  /** A PROXY header that isn't well-formed, or from who isn't trusted. */
  | { readonly kind: "proxy_header"; readonly why: string }
  /** A page failed; the client got a 500. */
  | { readonly kind: "page_failed"; readonly error: unknown }
  /** The connection broke, or doesn't speak TLS, or didn't take an answer in time. */
  | { readonly kind: "broken"; readonly error: unknown };

/** An end, or who took the connection over; wrapped, for a bare promise would be awaited. */
type Outcome = HttpEnd | {
  readonly kind: "taken";
  readonly session: Promise<void>;
};

/**
 * Serves `conn` until HTTP is over, or until whoever took it over is done, and
 * closes it. Never rejects.
 */
export async function serveHttp(
  conn: Conn,
  options: HttpOptions,
): Promise<HttpEnd> {
  const outcome = await serve(conn, options);
  if (outcome.kind !== "taken") {
    conn.close();
    return outcome;
  }
  // Returned, not awaited: nothing of HTTP stays in memory for as long as the session lasts.
  return outcome.session.then(
    (): HttpEnd => ({ kind: "upgraded" }),
    (error) => {
      conn.close();
      return { kind: "broken", error };
    },
  );
}

function serve(conn: Conn, options: HttpOptions): Promise<Outcome> {
  const { clients, secure } = options;
  return !secure && clients?.trusts(conn.remote)
    ? serveProxy(conn, options)
    : serveRequests({ conn, remote: conn.remote }, options);
}

/** What a trusted proxy sends may begin with a PROXY header. */
async function serveProxy(conn: Conn, options: HttpOptions): Promise<Outcome> {
  const begun = await readProxyHeader(conn, options.clock);
  return "kind" in begun ? begun : await serveRequests(begun, options);
}

async function serveRequests(
  peer: Peer,
  options: HttpOptions,
): Promise<Outcome> {
  const { conn } = peer;
  const reader = new RequestReader(conn, options);
  let client: Client = peer;
  try {
    for (;;) {
      const head = await reader.next();
      if (head === undefined) return { kind: "closed" };
      client = options.clients?.of(head, peer) ?? peer;
      const session = upgrade(head, ForwardedConn.of(conn, client), {
        reader,
        options,
      });
      if (session !== undefined) return { kind: "taken", session };
      const end = await answer(head, { conn, client }, { reader, options });
      if (end !== undefined) return end;
      await options.turn.wait(); // the next request may be here already
    }
  } catch (error) {
    if (!(error instanceof HttpError)) return { kind: "broken", error };
    if (isProxyHeader(reader, peer, options)) {
      const why = "it sent a PROXY header, but isn't among -trusted-proxies";
      return { kind: "proxy_header", why };
    }
    return await refuse(error, { conn, client }, { reader, options });
  }
}

function isProxyHeader(
  reader: RequestReader,
  { remote }: Peer,
  { secure, clients }: HttpOptions,
): boolean {
  return reader.isProxyHeader && !secure && !clients?.trusts(remote);
}

/** Where a request came from, and whose it is. */
interface From {
  readonly conn: Conn;
  readonly client: Client;
}

interface Parts {
  readonly reader: RequestReader;
  readonly options: HttpOptions;
}

function upgrade(
  head: RequestHead,
  conn: Conn,
  { reader, options }: Parts,
): Promise<void> | undefined {
  return head.bodyBytes > 0 || head.header("upgrade") === undefined
    ? undefined
    : options.upgrade?.(head, conn, reader.rest());
}

/** Answers one request; an end, or undefined where the next may come. */
async function answer(
  head: RequestHead,
  { conn, client }: From,
  { reader, options }: Parts,
): Promise<HttpEnd | undefined> {
  // Who waits for leave to send a body gets the answer instead, and no leave.
  const leavesBody = head.expectsContinue &&
    reader.unreadBytes < head.bodyBytes;
  if (!leavesBody) await reader.skip(head.bodyBytes);
  const keepAlive = head.keepAlive && !leavesBody;
  const { bytes, end, events } = await render(head, client, {
    options,
    keepAlive,
  });
  if (events !== undefined) {
    await sendEvents(bytes, events, { conn, reader, clock: options.clock });
    return end;
  }
  await writeInTime(conn, bytes, options.clock);
  if (leavesBody) await reader.drain();
  return end;
}

/** An answer as it goes out. */
interface Rendered {
  readonly bytes: Uint8Array;
  /** The connection's, which comes with the answer if at all. */
  readonly end: HttpEnd | undefined;
  /** A body that goes out bit by bit, behind the bytes. */
  readonly events?: ReadableStream<Uint8Array>;
}

async function render(
  head: RequestHead,
  client: Client,
  { options, keepAlive }: { options: HttpOptions; keepAlive: boolean },
): Promise<Rendered> {
  const { method, minor } = head;
  const context = { method, minor, date: options.clock.date() };
  const deadline = new Deadline(options.clock, PAGE_TIMEOUT_MS);
  try {
    return await deadline.wait(
      encodePage(page(head, client, options), { ...context, keepAlive }),
    );
  } catch (error) {
    if (error instanceof HttpError) throw error;
    const { InternalServerError } = STATUS_CODE;
    const response = textResponse(InternalServerError, "Internal server error");
    return {
      bytes: await encodeResponse(response, { ...context, keepAlive: false }),
      end: { kind: "page_failed", error },
    };
  }
}

/** A page may end the connection by the field that says so. */
async function encodePage(
  made: Response | Promise<Response>,
  context: ResponseContext,
): Promise<Rendered> {
  const response = await made;
  const { headers } = response;
  const events = bodyOfEvents(response);
  if (events !== undefined) {
    const bytes = encodeHead(response, { ...context, keepAlive: false });
    const end = { kind: "closed" } as const;
    if (context.method !== "HEAD") return { bytes, end, events };
    await events.cancel();
    return { bytes, end };
  }
  const keepAlive = context.keepAlive && headers.get("connection") !== "close";
  headers.delete("connection"); // the encoder adds its own
  const bytes = await encodeResponse(response, { ...context, keepAlive });
  return { bytes, end: keepAlive ? undefined : { kind: "closed" } };
}

function page(
  head: RequestHead,
  { remote, proxy }: Client,
  { handler, secure }: HttpOptions,
): Response | Promise<Response> {
  // RFC 9110, 9.3.7: "OPTIONS *" is about the server as a whole.
  if (head.target === "*") return new Response();
  return handler(head.toRequest(secure), { remote, proxy, secure });
}

/** Answers a request that can't be served, and gives the client time to see it. */
async function refuse(
  { status, message }: HttpError,
  { conn, client: { remote, proxy } }: From,
  { reader, options: { clock } }: Parts,
): Promise<HttpEnd> {
  try {
    const bytes = await encodeResponse(textResponse(status, message), {
      method: "GET",
      minor: 1,
      keepAlive: false,
      date: clock.date(),
    });
    await writeInTime(conn, bytes, clock);
    // After a timeout nothing is there to be read past, and a read() is under way.
    if (status !== STATUS_CODE.RequestTimeout) await reader.drain();
  } catch {
    // what counts is the refusal, not whether the client heard it
  }
  const end = { kind: "refused", status, reason: message } as const;
  return proxy === "trusted" ? { ...end, remote } : end;
}
