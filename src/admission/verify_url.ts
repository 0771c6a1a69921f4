/** Asks an admission controller about each client (`-verify-client-url`). */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import type { NodePublic } from "../keys/node_key.ts";
import type { Clock } from "../util/clock.ts";
import type { Admission, Candidate, Verdict } from "./admission.ts";

const log = logger("admission");

/** For one verdict, everything included. */
const DEADLINE_MS = 5_000;

/** What is read of an answer; `{"Allow":true}` has 14 bytes. */
const MAX_ANSWER_BYTES = 4 * 1024;

/** Of an unexpected answer, in log lines. */
const QUOTED_CHARS = 100;

/**
 * Idle connections are given up before common servers close them (after 5 s or
 * more), so that no question meets a connection that is just being closed.
 */
const IDLE_MS = 4_000;

export interface VerifyUrlOptions {
  readonly url: string;
  /** Whether clients are let in while the controller gives no answer. */
  readonly failOpen: boolean;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  /** The relay's own key: asked about to see whether the controller answers. Absent: that isn't tried. */
  readonly ownKey?: NodePublic | undefined;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
}

/** As derper does it: failing open is for a controller that doesn't answer, not for a wrong answer. */
export class VerifyUrlAdmission implements Admission {
  readonly name: string;
  readonly #url: string;
  readonly #failOpen: boolean;
  readonly #clock: Clock;
  readonly #limiter: LogLimiter;
  readonly #ownKey: NodePublic | undefined;
  readonly #client: Deno.HttpClient;

  /** @throws TypeError where the URL isn't one */
  constructor(options: VerifyUrlOptions) {
    const { origin, pathname } = new URL(options.url); // neither password nor query
    this.name = `admission controller ${origin}${pathname}`;
    this.#url = options.url;
    this.#failOpen = options.failOpen;
    this.#clock = options.clock;
    this.#limiter = options.limiter;
    this.#ownKey = options.ownKey;
    const { caCerts } = options;
    this.#client = Deno.createHttpClient({ caCerts, poolIdleTimeout: IDLE_MS });
  }

  async admit(candidate: Candidate): Promise<Verdict> {
    const deadline = new AbortController();
    const cancel = this.#clock.after(DEADLINE_MS, () => deadline.abort());
    try {
      let response: Response;
      try {
        response = await this.#ask(candidate, deadline.signal);
      } catch (error) {
        const why = deadline.signal.aborted
          ? "no answer in time"
          : messageOf(error);
        return this.#noAnswer(candidate, why);
      }
      return await this.#judge(response);
    } finally {
      cancel();
    }
  }

  /**
   * Asks about the relay itself, for an answer of whatever kind: no controller
   * need know a relay's key. Nothing is wrong while clients are let in
   * unasked.
   */
  async check(): Promise<string | undefined> {
    // Who fails open relays in any case, so a controller isn't asked needlessly.
    if (this.#ownKey === undefined || this.#failOpen) return undefined;
    const candidate = { key: this.#ownKey, ip: "127.0.0.1" };
    const deadline = new AbortController();
    const cancel = this.#clock.after(DEADLINE_MS, () => deadline.abort());
    try {
      const { status, body } = await this.#ask(candidate, deadline.signal);
      await body?.cancel();
      return status >= 500 // in front of a dead controller stands a living proxy
        ? `the ${this.name} answers with status ${status}; see its own log`
        : undefined;
    } catch (error) {
      const why = deadline.signal.aborted
        ? "no answer in time"
        : messageOf(error);
      return `no answer from the ${this.name}: ${why}; is it running, and is the URL right?`;
    } finally {
      cancel();
    }
  }

  /** Closes idle connections; to be called when nobody is to be admitted any more. */
  close(): void {
    this.#client.close();
  }

  /** Redirects are followed as by Go's client: with the question after 307 and 308, else by GET. */
  #ask({ key, ip }: Candidate, signal: AbortSignal): Promise<Response> {
    return fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ NodePublic: key.toString(), Source: ip }),
      client: this.#client,
      signal,
    });
  }

  #noAnswer({ key, ip }: Candidate, why: string): Verdict {
    if (!this.#failOpen) {
      return {
        allow: false,
        reason: `No answer from the ${this.name}: ${why}`,
        advice:
          "is it running, and is the URL right? -verify-client-url-fail-open=true would let clients in meanwhile",
      };
    }
    this.#limiter.run("verify-url-fail-open", (more) =>
      log.warn(
        "admitted {key} from {ip} unverified, for there is no answer from the {controller}: {why}; -verify-client-url-fail-open=false would refuse{more}",
        { key: key.shortString(), ip, controller: this.name, why, more },
      ));
    return { allow: true };
  }

  async #judge(response: Response): Promise<Verdict> {
    let answer: unknown;
    try {
      if (response.status !== 200) {
        await response.body?.cancel();
        return this.#refuse(`answers with status ${response.status}`);
      }
      answer = await readAnswer(response);
    } catch (error) {
      return this.#refuse(`gives no proper answer: ${messageOf(error)}`);
    }
    return allows(answer) ? { allow: true } : this.#refuse("doesn't allow it");
  }

  #refuse(what: string): Verdict {
    return {
      allow: false,
      reason: `The ${this.name} ${what}`,
      advice: "is the path right (headscale: /verify)? Its own log may say why",
    };
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

/** Whether `answer` is an object that says Allow; Go takes names in any case, and the last of several. */
function allows(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null) return false;
  const values = Object.entries(answer)
    .filter(([name]) => name.toLowerCase() === "allow")
    .map(([, value]) => value);
  return values.at(-1) === true;
}

/** Without the URL, which may hold a password. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.replace(/ ?\bfor (url \(\S*\)|https?:\/\/\S+)/g, "");
}
