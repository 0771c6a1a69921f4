/** Raw requests to `serveHttp` over a pair of `Conn`s, and what comes back. */
import { noTurn } from "./no_turn.ts";
import {
  type HttpEnd,
  type HttpOptions,
  serveHttp,
} from "../../src/http/connection.ts";
import { type ConnPair, connPair, type ConnPairOptions } from "./conn_pair.ts";
import { FakeClock } from "./fake_clock.ts";

const latin1 = new TextDecoder("latin1");

/** One response, taken apart. */
export interface RawResponse {
  readonly statusLine: string;
  readonly status: number;
  /** Names as they were sent. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A running `serveHttp` and the client's end of its connection. */
export interface Served extends ConnPair {
  readonly clock: FakeClock;
  readonly end: Promise<HttpEnd>;
}

/** Starts `serveHttp` with what `options` leave to default: pages that echo method and path. */
export function serve(
  options: Partial<HttpOptions> = {},
  pairOptions: ConnPairOptions = {},
): Served {
  const clock = new FakeClock();
  const pair = connPair(pairOptions);
  const end = serveHttp(pair.server, {
    clock,
    turn: noTurn,
    secure: true,
    handler: ({ method, url }) =>
      new Response(`${method} ${new URL(url).pathname}`),
    ...options,
  });
  return {
    client: pair.client,
    server: pair.server,
    clock,
    end,
    [Symbol.dispose]: () => pair[Symbol.dispose](),
  };
}

/** Latin-1 text as bytes. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Writes all of `text` and ends the client's direction. */
export async function send({ client }: Served, text: string): Promise<void> {
  const data = bytes(text);
  for (let sent = 0; sent < data.length;) {
    sent += await client.write(data.subarray(sent));
  }
}

/** Sends `text`, ends the client's direction, and returns all responses with the reason for the end. */
export async function exchange(
  text: string,
  options: Partial<HttpOptions> = {},
  pairOptions: ConnPairOptions = {},
): Promise<{ responses: RawResponse[]; end: HttpEnd; clock: FakeClock }> {
  using served = serve(options, pairOptions);
  const answered = served.client.readToEnd();
  await send(served, text);
  served.client.closeWrite();
  const responses = parseResponses(await answered, text.startsWith("HEAD"));
  return { responses, end: await served.end, clock: served.clock };
}

/** All responses in `data`; those to HEAD have no body whatever their length says. */
export function parseResponses(
  data: Uint8Array,
  toHead = false,
): RawResponse[] {
  const responses: RawResponse[] = [];
  let text = latin1.decode(data);
  while (text !== "") {
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd < 0) throw new Error(`No head in ${JSON.stringify(text)}`);
    const [statusLine = "", ...lines] = text.slice(0, headEnd).split("\r\n");
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [, name = "", value = ""] = /^([^:]+): (.*)$/.exec(line) ?? [];
      if (name === "" || fields.has(name)) {
        throw new Error(`Bad field ${JSON.stringify(line)}`);
      }
      fields.set(name, value);
    }
    const length = toHead ? 0 : Number(fields.get("Content-Length") ?? 0);
    const body = text.slice(headEnd + 4, headEnd + 4 + length);
    if (body.length < length) {
      throw new Error(`Body of ${body.length} instead of ${length} bytes`);
    }
    responses.push({
      statusLine,
      status: Number(statusLine.split(" ")[1]),
      fields,
      body,
    });
    text = text.slice(headEnd + 4 + length);
  }
  return responses;
}
