/** One GET request on a connection of its own: nothing is followed, cached or made up. */
import { type Conn, writeAll } from "../net/conn.ts";
import { concatBytes } from "../util/bytes.ts";
import { type Dial, withConn } from "./dialer.ts";

/** So that a log can tell its requests from those of clients. */
const USER_AGENT = "derper-probe";

/** What a relay answers is far smaller. */
const MAX_ANSWER_BYTES = 256 * 1024;
const BUFFER_BYTES = 16 * 1024;
/** Of an answer; whatever begins otherwise isn't read on. */
const BEGINNINGS = ["HTTP/1.1 ", "HTTP/1.0 "] as const;
/** Of what isn't HTTP, in messages. */
const QUOTED_CHARS = 30;

/** Thrown where the answer isn't one of HTTP. */
export class NotHttpError extends Error {
  override readonly name = "NotHttpError";
}

export interface HttpQuestion {
  /** For the Host header. */
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  readonly status: number;
  /** By name in lower case; of several with one name the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * Asks, and reads up to the end of the answer; an upgraded connection has none,
 * so there the head is all.
 *
 * @throws NotHttpError, and what the connection throws
 */
export async function httpGet(
  dial: Dial,
  signal: AbortSignal,
  { host, path, headers = {} }: HttpQuestion,
): Promise<HttpAnswer> {
  const all = {
    "Host": host,
    "User-Agent": USER_AGENT,
    "Connection": "close",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const request = [`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n");
  return await withConn(dial, signal, async (conn) => {
    await writeAll(conn, new TextEncoder().encode(request));
    return await readAnswer(conn);
  });
}

async function readAnswer(conn: Conn): Promise<HttpAnswer> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let bytes: Uint8Array = new Uint8Array();
  for (;;) {
    const count = await conn.read(buffer);
    const isEnd = count === null;
    if (count !== null) bytes = concatBytes(bytes, buffer.slice(0, count));
    const answer = parseAnswer(bytes, isEnd);
    if (answer !== undefined) return answer;
    if (isEnd) throw notHttp(bytes);
    if (bytes.length > MAX_ANSWER_BYTES) {
      throw new NotHttpError("the answer is too long");
    }
  }
}

/** Undefined while more has to come. */
function parseAnswer(
  bytes: Uint8Array,
  isEnd: boolean,
): HttpAnswer | undefined {
  const text = latin1(bytes);
  const begin = text.slice(0, BEGINNINGS[0].length);
  if (!BEGINNINGS.some((right) => right.startsWith(begin))) {
    throw notHttp(bytes);
  }
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/.exec(first)?.[1];
  if (status === undefined) throw notHttp(bytes);
  const headers = new Map(lines.map(splitHeader));
  const rest = bytes.subarray(end + 4);
  const body = bodyOf(rest, { status: Number(status), headers, isEnd });
  return body === undefined
    ? undefined
    : { status: Number(status), headers, body };
}

function splitHeader(line: string): [string, string] {
  const at = line.indexOf(":");
  return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
}

/** Undefined while more has to come. */
function bodyOf(
  rest: Uint8Array,
  { status, headers, isEnd }: {
    status: number;
    headers: ReadonlyMap<string, string>;
    isEnd: boolean;
  },
): string | undefined {
  if (status < 200 || status === 204 || status === 304) return "";
  if (/\bchunked\b/i.test(headers.get("transfer-encoding") ?? "")) {
    return joinChunks(rest) ?? (isEnd ? "" : undefined);
  }
  const length = Number(headers.get("content-length") ?? Infinity);
  if (rest.length < length && !isEnd) return undefined;
  return new TextDecoder().decode(rest.subarray(0, length));
}

/** The chunks of RFC 9112, section 7.1; undefined while the last one isn't there. */
function joinChunks(rest: Uint8Array): string | undefined {
  const text = latin1(rest);
  const parts: Uint8Array[] = [];
  for (let at = 0;;) {
    const [line, digits] = /^([0-9a-f]{1,6})[^\r\n]*\r\n/i
      .exec(text.slice(at, at + 1_024)) ?? [];
    if (line === undefined || digits === undefined) return undefined;
    const size = parseInt(digits, 16);
    const start = at + line.length;
    if (size === 0) return new TextDecoder().decode(concatBytes(...parts));
    if (start + size + 2 > rest.length) return undefined;
    parts.push(rest.subarray(start, start + size));
    at = start + size + 2;
  }
}

function notHttp(bytes: Uint8Array): NotHttpError {
  const begin = latin1(bytes.subarray(0, QUOTED_CHARS));
  return new NotHttpError(
    bytes.length === 0
      ? "the connection was closed without an answer"
      : `the answer is no HTTP: ${JSON.stringify(begin)}`,
  );
}

/** A character for each byte. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += BUFFER_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + BUFFER_BYTES));
  }
  return text;
}
