/** Asks an admission controller about each client (`-verify-client-url`). */
import type { NodePublic } from "../keys/node_key.ts";
import type { Candidate } from "./admission.ts";
import { fetchReason, serverClient } from "./server_client.ts";
import { type Answer, type Source, SourceError } from "./source.ts";

/** What is read of an answer; `{"Allow":true}` has 14 bytes. */
const MAX_ANSWER_BYTES = 4 * 1024;

/** Of an unexpected answer, in log lines. */
const QUOTED_CHARS = 100;

/** Statuses of who can't answer now, among those that say that the question was wrong. */
const BUSY_STATUSES: readonly number[] = [408, 425, 429];

export interface VerifyUrlOptions {
  readonly url: string;
  /** The relay's own key: asked about to see whether the controller answers. Absent: that isn't tried. */
  readonly ownKey?: NodePublic | undefined;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
}

/** Puts derper's question; only a proper answer is a clear one. */
export class VerifyUrlSource implements Source {
  readonly kind = "url";
  readonly name: string;
  readonly check?: (signal: AbortSignal) => Promise<void>;
  readonly #url: string;
  readonly #client: Deno.HttpClient;

  /** @throws TypeError where the URL isn't one */
  constructor({ url, ownKey, caCerts }: VerifyUrlOptions) {
    const { origin, pathname } = new URL(url); // neither password nor query
    this.name = `admission controller ${origin}${pathname}`;
    this.#url = url;
    this.#client = serverClient(caCerts);
    if (ownKey === undefined) return;
    this.check = (signal) => this.#check(ownKey, signal);
  }

  async ask(candidate: Candidate, signal: AbortSignal): Promise<Answer> {
    const response = await this.#post(candidate, signal);
    const { status, url } = response;
    if (!isSamePlace(this.#url, url)) {
      await response.body?.cancel();
      throw this.#error(`redirects to elsewhere (${new URL(url).origin})`);
    }
    if (status !== 200) {
      await response.body?.cancel();
      return this.#unlessBroken(status);
    }
    let isAllowed: boolean;
    try {
      isAllowed = allows(await readAnswer(response));
    } catch (error) {
      const why = signal.aborted
        ? "it isn't complete in time"
        : fetchReason(error);
      throw this.#error(`gives no proper answer: ${why}`);
    }
    if (isAllowed) return { admitted: true };
    return this.#refuse("doesn't allow it", { isClear: true });
  }

  /** Closes idle connections; to be called when nobody is to be asked about any more. */
  close(): void {
    this.#client.close();
  }

  /** Asks about the relay itself, for an answer of whatever kind: no controller need know a relay's key. */
  async #check(key: NodePublic, signal: AbortSignal): Promise<void> {
    await this.ask({ key, ip: "127.0.0.1" }, signal);
  }

  /**
   * Redirects are followed as by Go's client: with the question after 307 and
   * 308, else by GET. Unlike there, an answer from another host doesn't count.
   */
  async #post(
    { key, ip }: Candidate,
    signal: AbortSignal,
  ): Promise<Response> {
    try {
      return await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ NodePublic: key.toString(), Source: ip }),
        client: this.#client,
        signal,
      });
    } catch (error) {
      const why = signal.aborted ? "no answer in time" : fetchReason(error);
      throw new SourceError(`No answer from the ${this.name}: ${why}`, {
        advice:
          "is it running, and is the URL right? -verify-client-url-fail-open says what becomes of clients meanwhile",
        isUnreachable: true,
        cause: error,
      });
    }
  }

  /**
   * Some controllers refuse by a status. It refuses, as derper does, but isn't
   * clear: it may be about the question and not about the client.
   */
  #unlessBroken(status: number): Answer {
    const what = `answers with status ${status}`;
    const isBroken = status < 400 || status >= 500 ||
      BUSY_STATUSES.includes(status);
    if (isBroken) throw this.#error(what);
    return this.#refuse(what, { isClear: false });
  }

  #refuse(what: string, { isClear }: { isClear: boolean }): Answer {
    return {
      admitted: false,
      isClear,
      reason: `The ${this.name} ${what}`,
      advice: isClear
        ? "does it know the node? Its own log may say why"
        : "is the path right (headscale: /verify)? Its own log may say why",
    };
  }

  #error(what: string): SourceError {
    return new SourceError(`The ${this.name} ${what}`, {
      advice: "is the path right (headscale: /verify)? Its own log may say why",
      isUnreachable: false,
    });
  }
}

/** The JSON of an answer, read no further than to its end; throws where there is none. */
async function readAnswer(response: Response): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  let room = MAX_ANSWER_BYTES;
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk.subarray(0, room), { stream: true });
    room -= chunk.length;
    try {
      return JSON.parse(text);
    } catch {
      if (room <= 0) break;
    }
  }
  throw new SyntaxError(`"${text.slice(0, QUOTED_CHARS)}" isn't JSON`);
}

/**
 * What `answer` says of Allow, as Go reads it: names in any case, the last of
 * several counts, null says nothing. Throws where it isn't such an answer.
 */
function allows(answer: unknown): boolean {
  if (answer === null) return false;
  if (typeof answer !== "object" || Array.isArray(answer)) {
    throw notAnAnswer(answer);
  }
  let isAllowed = false;
  for (const [name, value] of Object.entries(answer)) {
    if (name.toLowerCase() !== "allow" || value === null) continue;
    if (typeof value !== "boolean") throw notAnAnswer(answer);
    isAllowed = value;
  }
  return isAllowed;
}

function notAnAnswer(value: unknown): TypeError {
  const text = JSON.stringify(value).slice(0, QUOTED_CHARS);
  return new TypeError(`${text} isn't {"Allow":true} or {"Allow":false}`);
}

/** Whether an answer from `answered` speaks for the controller at `asked`: the same host, and no less safe a way to it. */
function isSamePlace(asked: string, answered: string): boolean {
  const [from, to] = [new URL(asked), new URL(answered)];
  return to.hostname === from.hostname &&
    (to.protocol === from.protocol || to.protocol === "https:");
}
