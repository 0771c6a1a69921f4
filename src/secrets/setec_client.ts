/** Asks a setec server for secrets. */
import type { Clock } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { SecretValue } from "./secret_value.ts";

/** For one question, everything included. */
const DEADLINE_MS = 5_000;
/** What is read of an answer; a mesh key takes 120 bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface SetecClientOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
}

/** The server knows who asks by the Tailscale address that the question comes from. */
export class SetecClient implements Disposable {
  /** For messages: neither password nor query. */
  readonly name: string;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #http: Deno.HttpClient;

  /** @throws TypeError where the URL isn't one */
  constructor({ url, clock, caCerts }: SetecClientOptions) {
    const { origin, pathname } = new URL(url);
    this.name = `${origin}${pathname === "/" ? "" : pathname}`;
    this.#url = `${url.replace(/\/$/, "")}/api/get`;
    this.#clock = clock;
    this.#http = Deno.createHttpClient({ caCerts });
  }

  /** The active version of a secret; rejects with a reason that is the end of a sentence. */
  async get(secretName: string, stop?: AbortSignal): Promise<SecretValue> {
    const deadline = new AbortController();
    const abort = () => deadline.abort();
    const cancel = this.#clock.after(DEADLINE_MS, abort);
    stop?.addEventListener("abort", abort);
    try {
      return await this.#ask(secretName, deadline.signal);
    } catch (cause) {
      const why = deadline.signal.aborted ? "no answer in time" : reason(cause);
      throw new Error(why, { cause });
    } finally {
      cancel();
      stop?.removeEventListener("abort", abort);
    }
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  async #ask(secretName: string, signal: AbortSignal): Promise<SecretValue> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        // The server refuses questions without it: browsers can't be made to send it.
        "sec-x-tailscale-no-browsers": "setec",
      },
      // Version 0 is the active one.
      body: JSON.stringify({
        Name: secretName,
        Version: 0,
        UpdateIfChanged: false,
      }),
      client: this.#http,
      signal,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(statusReason(response.status));
    }
    const secret = SecretValue.fromJson(await readJson(response));
    if (secret === undefined) throw new Error("its answer holds no secret");
    return secret;
  }
}

function statusReason(status: number): string {
  switch (status) {
    case 403:
      return 'it answers with status 403, let this machine "get" the secret in the tailnet policy file';
    case 404:
      return "it has no such secret";
    default:
      return `it answers with status ${status}`;
  }
}

/** The JSON of an answer; its text is a secret, so no message quotes it. */
async function readJson(response: Response): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  let room = MAX_ANSWER_BYTES;
  for await (const chunk of response.body ?? []) {
    room -= chunk.length;
    if (room < 0) throw new Error("its answer is longer than 64 KiB");
    text += decoder.decode(chunk, { stream: true });
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("its answer isn't JSON");
  }
}

/** Without the URL, which may hold a password. */
function reason(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error
    ? error.cause
    : error;
  return messageOf(inner).replace(/ ?\bfor url \(\S*\)/, "");
}
