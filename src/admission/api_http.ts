/** HTTP to a control plane's API: bounded, never redirected, and with errors for an operator. */
import {
  type Device,
  type DeviceList,
  RetryLaterError,
} from "./device_list.ts";
import { JsonListReader } from "./json_list_reader.ts";
import { fetchReason, serverClient } from "./server_client.ts";
import { SourceError } from "./source.ts";

/** A list of 80,000 devices. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;

/** Of any other answer. */
const MAX_ANSWER_BYTES = 16 * 1024;

/** Of an unexpected answer, in messages. */
const QUOTED_CHARS = 100;

/** The longest wait that a server can ask for. */
const MAX_RETRY_AFTER_S = 300;

export interface ApiHttpOptions {
  /** What is asked, for messages, for example `headscale at https://…`. */
  readonly name: string;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** The flag that the URL comes from. */
  readonly flag: string;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
}

/** One request. */
export interface ApiQuestion {
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly form?: URLSearchParams;
  /** Error statuses that the caller deals with. */
  readonly pass?: readonly number[];
  /** What no message may show, though the server might say it. */
  readonly secrets: readonly string[];
  /** What to do about an answer with an error status; `text` is what it says. */
  readonly advise: (status: number, text: string) => string | undefined;
}

/** Asks one server; each message names it, none has a secret in it. */
export class ApiHttp {
  readonly #options: ApiHttpOptions;
  readonly #client: Deno.HttpClient;

  constructor(options: ApiHttpOptions) {
    this.#options = options;
    this.#client = serverClient(options.caCerts);
  }

  /** The answer, with status 200, 304 after if-none-match, or one to pass. @throws SourceError */
  async ask(question: ApiQuestion, signal: AbortSignal): Promise<Response> {
    const { path, headers = {}, form } = question;
    const response = await this.#heard(
      signal,
      () =>
        fetch(this.#options.baseUrl + path, {
          method: form === undefined ? "GET" : "POST",
          headers,
          ...form !== undefined && { body: form },
          // Another place must not get the secrets of this one.
          redirect: "manual",
          client: this.#client,
          signal,
        }),
    );
    if (isGood(response.status, question)) return response;
    throw await this.#refusal(response, question, signal);
  }

  /** The devices that an answer lists; undefined where it says that they are those of before. @throws SourceError */
  async readDevices(
    response: Response,
    { name, add, secrets }: ListQuestion,
    signal: AbortSignal,
  ): Promise<DeviceList | undefined> {
    const { status, headers } = response;
    if (status === 304) return undefined;
    const byKey = new Map<string, Device>();
    let count = 0;
    const reader = new JsonListReader(name, (device) => {
      count++;
      add(byKey, device);
    });
    let start = "";
    try {
      for await (const text of this.#text(response, MAX_LIST_BYTES, signal)) {
        if (start.length < MAX_ANSWER_BYTES) start += text;
        reader.push(text);
      }
      reader.end();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const said = quote(start, secrets);
      throw this.error(`answers with no list of devices but ${said}`);
    }
    if (count > 0 && byKey.size === 0) {
      throw this.error(`lists ${count} ${name} without any node key`);
    }
    return { byKey, count, etag: headers.get("etag") ?? undefined };
  }

  /** The JSON of a short answer that is a secret itself: no message quotes it. @throws SourceError */
  async readSecretJson(
    response: Response,
    signal: AbortSignal,
  ): Promise<unknown> {
    let body = "";
    for await (const text of this.#text(response, MAX_ANSWER_BYTES, signal)) {
      body += text;
    }
    try {
      return JSON.parse(body);
    } catch {
      throw this.error("answers with something else than JSON");
    }
  }

  /** An error about what the server says. */
  error(what: string, advice?: string): SourceError {
    const { name, flag } = this.#options;
    return new SourceError(`${name} ${what}`, {
      advice: advice ?? `is it healthy, and is ${flag} right?`,
      isUnreachable: false,
    });
  }

  /** Closes idle connections. */
  close(): void {
    this.#client.close();
  }

  /** The body in pieces; who stops reading ends it. */
  async *#text(
    response: Response,
    maxBytes: number,
    signal: AbortSignal,
  ): AsyncGenerator<string, void> {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    const decoder = new TextDecoder();
    let room = maxBytes;
    let isAtEnd = false;
    try {
      while (!isAtEnd) {
        const { value, done } = await this.#heard(signal, () => reader.read());
        isAtEnd = done;
        room -= value?.length ?? 0;
        if (room < 0) {
          throw this.error(`answers with more than ${maxBytes / 1024} KiB`);
        }
        yield decoder.decode(value, { stream: !done });
      }
    } finally {
      if (!isAtEnd) await reader.cancel().catch(() => {});
    }
  }

  /** What `hear` gets; where it gets nothing, the error says why. */
  async #heard<T>(signal: AbortSignal, hear: () => Promise<T>): Promise<T> {
    try {
      return await hear();
    } catch (cause) {
      const { name, flag } = this.#options;
      const why = signal.aborted ? "not in time" : fetchReason(cause);
      const isCertificate = why.includes("certificate");
      throw new SourceError(`No answer from ${name}: ${why}`, {
        advice: isCertificate
          ? `its certificate has to be valid for the host in ${flag}, and DENO_CERT has to name a file with its authority, where that is your own`
          : `is it running, can this machine reach it, and is ${flag} right?`,
        isUnreachable: true,
        cause,
      });
    }
  }

  async #refusal(
    response: Response,
    question: ApiQuestion,
    signal: AbortSignal,
  ): Promise<SourceError> {
    const { status, headers } = response;
    const text = await this.#start(response, signal);
    const location = headers.get("location");
    if (location !== null && status >= 300 && status < 400) {
      const to = withoutQuery(location);
      return this.error(
        `redirects to ${
          quote(to, question.secrets)
        }, which would get the secrets`,
        `give the URL that answers itself as ${this.#options.flag}`,
      );
    }
    const said = quote(text, question.secrets);
    const error = this.error(
      `answers with status ${status} and ${said}`,
      question.advise(status, text),
    );
    if (status !== 429 && status !== 503) return error;
    const { message, advice } = error;
    const seconds = Number(headers.get("retry-after"));
    const retryAfterMs = 1000 *
      (seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) : 0);
    return new RetryLaterError(message, { advice, retryAfterMs });
  }

  /** Some of what an error says; an error in it is none of ours. */
  async #start(response: Response, signal: AbortSignal): Promise<string> {
    let start = "";
    try {
      for await (
        const text of this.#text(response, MAX_LIST_BYTES, signal)
      ) {
        start += text;
        if (start.length >= MAX_ANSWER_BYTES) break;
      }
    } catch {
      // It is cut off.
    }
    return start.slice(0, MAX_ANSWER_BYTES);
  }
}

function isGood(status: number, { headers, pass }: ApiQuestion): boolean {
  return status === 200 || pass?.includes(status) === true ||
    status === 304 && headers?.["if-none-match"] !== undefined;
}

/** What the list is called, and how one of its devices is understood. */
export interface ListQuestion {
  readonly name: string;
  readonly add: (byKey: Map<string, Device>, device: unknown) => void;
  readonly secrets: readonly string[];
}

/** For a question about a list, whose last state the server called `etag`. */
export function listHeaders(
  token: string,
  etag: string | undefined,
): Record<string, string> {
  return {
    accept: "application/json",
    authorization: `Bearer ${token}`,
    ...etag !== undefined && { "if-none-match": etag },
  };
}

/** The start of what a server says, on one line. */
function quote(text: string, secrets: readonly string[]): string {
  if (secrets.some((secret) => text.includes(secret))) {
    return "a text with the secret in it";
  }
  const line = text.slice(0, 4 * QUOTED_CHARS).replace(/\s+/g, " ").trim();
  return JSON.stringify(line.slice(0, QUOTED_CHARS));
}

/** A place as messages can show it. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "").replace(/\/\/[^/]*@/, "//");
}
