/** HTTP to an ACME server: bounded in time and size, with errors that say what the server said. */
import { isJsonObject } from "../util/json.ts";
import type { Clock } from "../util/clock.ts";
import { AcmeError } from "./acme_server.ts";

/** An answer of an ACME server that is no error. */
export interface AcmeAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
  /** Parsed JSON, the text of anything else, "" for an empty body. */
  readonly data: unknown;
}

/** How to ask. */
export interface AcmeHttpOptions {
  readonly client: Deno.HttpClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A request; without a body a GET or HEAD. */
export interface AcmeRequest {
  readonly url: string;
  readonly method: string;
  readonly body?: string | undefined;
  readonly headers?: Record<string, string>;
}

/** For one request; a server that can't answer in this time is down. */
const TIMEOUT_MS = 30_000;
/** Over any chain and any directory. */
const MAX_BYTES = 1024 * 1024;
const PROBLEM_PREFIX = "urn:ietf:params:acme:error:";
/** Of an answer that is no ACME, in messages. */
const QUOTED_CHARACTERS = 80;
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/** Sends a request and reads the whole answer; throws an AcmeError for a problem document (RFC 7807). */
export async function acmeRequest(
  { url, method, body, headers = {} }: AcmeRequest,
  { client, clock, signal }: AcmeHttpOptions,
): Promise<AcmeAnswer> {
  const { protocol, host } = new URL(url);
  if (protocol !== "https:" && protocol !== "http:") { // fetch would read files
    throw new Error(
      `the ACME server names the URL "${url}", which is no HTTPS`,
    );
  }
  const deadline = new AbortController();
  const cancel = clock.after(TIMEOUT_MS, () => deadline.abort());
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers: { ...headers, "user-agent": "derper" },
      redirect: "error", // what is signed names its URL (RFC 8555, 6.4)
      signal: AbortSignal.any([signal, deadline.signal]),
      client,
      ...(body === undefined ? {} : { body }),
    });
    text = await readLimited(response, host);
  } catch (error) {
    const late = deadline.signal.aborted;
    const why = late ? "no answer within 30 s" : causeOf(error);
    throw new Error(`${host} cannot be asked: ${why}`);
  } finally {
    cancel();
  }
  return understand(response, { text, host, now: clock.date() });
}

/** How long a server wants to be left alone (RFC 9110, 10.2.3), a day at most. */
export function retryAfterMs(
  header: string | null | undefined,
  now: Date,
): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header)
    ? Number(header) * 1000
    : Date.parse(header) - now.getTime();
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}

function understand(
  response: Response,
  { text, host, now }: { text: string; host: string; now: Date },
): AcmeAnswer {
  const { status } = response;
  const type = response.headers.get("content-type") ?? "";
  const headers = Object.fromEntries(response.headers);
  const waitMs = retryAfterMs(headers["retry-after"], now);
  const isJson = /^application\/([a-z]+\+)?json\b/.test(type);
  const data: unknown = isJson ? parse(text, host) : text;
  if (response.ok) {
    const isExpected = isJson || text === "" ||
      type.startsWith("application/pem-certificate-chain");
    if (isExpected) return { status, headers, data };
  } else if (isJsonObject(data)) {
    const error = toError(data, { status, waitMs });
    // The library asks again with a fresh nonce (RFC 8555, 6.5).
    if (error.type === "badNonce") return { status, headers, data };
    throw error;
  }
  throw new AcmeError(
    `${host} answers with status ${status} and no ACME: ${quote(text)}`,
    { retryAfterMs: waitMs },
  );
}

/** A problem document, with the names that its subproblems are about (RFC 8555, 6.7.1). */
function toError(
  problem: Record<string, unknown>,
  { status, waitMs }: { status: number; waitMs: number | undefined },
): AcmeError {
  const subproblems = Array.isArray(problem.subproblems)
    ? problem.subproblems.filter(isJsonObject)
    : [];
  const words = [problem, ...subproblems]
    .map(({ detail }) => detail)
    .filter((detail) => typeof detail === "string");
  const refused = subproblems
    .map(({ identifier }) => isJsonObject(identifier) ? identifier.value : null)
    .filter((value) => typeof value === "string");
  const type = typeof problem.type === "string"
    ? problem.type.replace(PROBLEM_PREFIX, "")
    : undefined;
  const message = words.join("; ") || `status ${status}`;
  return new AcmeError(type ? `${message} (${type})` : message, {
    type,
    refused,
    retryAfterMs: waitMs,
  });
}

function parse(text: string, host: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AcmeError(`${host} answers with broken JSON: ${quote(text)}`);
  }
}

async function readLimited(response: Response, host: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let room = MAX_BYTES;
  for await (const chunk of response.body ?? []) {
    room -= chunk.length;
    if (room < 0) throw new Error(`${host} answers with more than 1 MiB`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** What fetch hides behind "error sending request". */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.replace(/^client error \(Connect\): /, "");
}

/** The beginning of a text, on one line. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, QUOTED_CHARACTERS));
}
