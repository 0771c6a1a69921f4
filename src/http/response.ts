/** Responses: building simple ones, and turning any into the bytes on the wire. */
import { concatBytes } from "../util/bytes.ts";
import { STATUS_TEXT } from "./status.ts";

/** What the answer depends on besides itself. */
export interface ResponseContext {
  /** Of the request, for HEAD is answered without a body. */
  readonly method: string;
  /** Minor version of the request; the answer to HTTP/1.0 says HTTP/1.0, as derper's does. */
  readonly minor: number;
  readonly keepAlive: boolean;
  readonly date: Date;
}

/** A line of plain text, with the fields that derper sends with one. */
export function textResponse(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
    },
  });
}

/** Head and body of `response` as they go over the wire (RFC 9112). */
export async function encodeResponse(
  response: Response,
  context: ResponseContext,
): Promise<Uint8Array> {
  const body = new Uint8Array(await response.arrayBuffer());
  // RFC 9110, 8.6: a 204 must not have one.
  const length = response.status === 204 ? undefined : body.length;
  const head = encodeHead(response, context, length);
  return context.method === "HEAD" ? head : concatBytes(head, body);
}

/** The head alone; without `contentLength` the body ends with the connection. */
export function encodeHead(
  { status, headers }: Response,
  { minor, keepAlive, date }: ResponseContext,
  contentLength?: number,
): Uint8Array {
  let head = `HTTP/1.${minor === 0 ? 0 : 1} ${status} ${
    STATUS_TEXT[status] ?? ""
  }\r\n`;
  for (const [name, value] of headers) {
    head += `${canonicalName(name)}: ${value}\r\n`;
  }
  head += `Date: ${date.toUTCString()}\r\n`;
  if (contentLength !== undefined) {
    head += `Content-Length: ${contentLength}\r\n`;
  }
  if (!keepAlive) head += "Connection: close\r\n";
  else if (minor === 0) head += "Connection: keep-alive\r\n";
  return latin1(head + "\r\n");
}

/** `content-type` as `Content-Type`: `Headers` has small letters only. */
function canonicalName(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

/** `Headers` lets nothing through that isn't Latin-1, nor a line end. */
function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
