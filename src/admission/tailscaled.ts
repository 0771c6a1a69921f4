/** Admits the nodes of the tailnet that this machine's tailscaled belongs to (`-verify-clients`). */
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { NodePublic } from "../keys/node_key.ts";
import type { Clock } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import type { Admission, Candidate, Verdict } from "./admission.ts";
import {
  askLocalApi,
  type LocalApiAnswer,
  LocalApiError,
  type LocalApiErrorCode,
} from "./local_api.ts";
import { Slots } from "./slots.ts";

/** For one verdict, everything included. */
const DEADLINE_MS = 5_000;

/** Questions under way at a time; who asks later waits within its deadline. */
const MAX_QUESTIONS = 64;
const MAX_WAITING = 1_024;

/** A node with all its capabilities has a few KiB. */
const MAX_WHOIS_BYTES = 1024 * 1024;

/** All nodes of a tailnet, 1 to 2 KiB each. */
const MAX_STATUS_BYTES = 64 * 1024 * 1024;

/** Of an unexpected answer, in log lines. */
const QUOTED_CHARS = 100;

/** How a tailscaled before 1.70 answers a whois by node key. */
const TOO_OLD = "invalid 'addr' parameter";

export interface TailscaledOptions {
  readonly socketPath: string;
  readonly clock: Clock;
}

/** Asks tailscaled about each key; who isn't known to be in the tailnet is refused. */
export class TailscaledAdmission implements Admission {
  readonly name: string;
  readonly #options: TailscaledOptions;
  readonly #slots = new Slots(MAX_QUESTIONS, MAX_WAITING);
  /** One question per key at a time; whoever asks the same meanwhile shares the answer. */
  readonly #underWay = new Map<string, Promise<Verdict>>();
  /** The same for the list of all nodes. */
  #statusUnderWay: Promise<Tailnet> | undefined;

  constructor(options: TailscaledOptions) {
    this.name = `tailscaled at ${options.socketPath}`;
    this.#options = options;
  }

  admit({ key }: Candidate): Promise<Verdict> {
    const id = key.toString();
    let verdict = this.#underWay.get(id);
    if (verdict === undefined) {
      verdict = this.#decide(key).finally(() => this.#underWay.delete(id));
      this.#underWay.set(id, verdict);
    }
    return verdict;
  }

  /** As derper's consistency check does it: this machine's own node must be admitted. */
  async check(): Promise<string | undefined> {
    const verdict = await this.#answer(async (signal) => {
      const key = await this.#askOwnKey(signal);
      return key !== undefined && await this.#isInTailnet(key, signal);
    });
    if (verdict.allow || verdict === BUSY) return undefined;
    return verdict === NOT_FOUND
      ? `${this.name} doesn't know its own node; is it logged in?`
      : `${verdict.reason}; ${verdict.advice}`;
  }

  #decide(key: NodePublic): Promise<Verdict> {
    return this.#answer((signal) => this.#isInTailnet(key, signal));
  }

  /** The verdict that is the answer to a question, which gets a slot and a deadline. */
  async #answer(
    ask: (signal: AbortSignal) => Promise<boolean>,
  ): Promise<Verdict> {
    const { clock, socketPath } = this.#options;
    const deadline = new AbortController();
    const cancel = clock.after(DEADLINE_MS, () => deadline.abort());
    const release = await this.#slots.take(deadline.signal);
    try {
      if (release === undefined) return BUSY;
      return await ask(deadline.signal) ? { allow: true } : NOT_FOUND;
    } catch (error) {
      return refuse(error, socketPath);
    } finally {
      cancel();
      release?.();
    }
  }

  /** The key of this machine's node; undefined where tailscaled has none yet. */
  async #askOwnKey(signal: AbortSignal): Promise<NodePublic | undefined> {
    const answer = await askLocalApi(this.#options.socketPath, {
      path: "/localapi/v0/status?peers=false",
      maxBytes: MAX_STATUS_BYTES,
      signal,
    });
    const { Self: self } = parseObject(answer, "status");
    const key = isJsonObject(self) ? self.PublicKey : undefined;
    return typeof key === "string" ? NodePublic.parse(key) : undefined;
  }

  async #isInTailnet(key: NodePublic, signal: AbortSignal): Promise<boolean> {
    const answer = await askLocalApi(this.#options.socketPath, {
      path: `/localapi/v0/whois?addr=${encodeURIComponent(key.toString())}`,
      maxBytes: MAX_WHOIS_BYTES,
      signal,
    });
    if (answer.status === 404) return false;
    if (answer.status === 400 && answer.body.includes(TOO_OLD)) {
      const tailnet = await this.#status(signal);
      return tailnet.has(key.toString());
    }
    parseObject(answer, "whois");
    return true;
  }

  #status(signal: AbortSignal): Promise<Tailnet> {
    this.#statusUnderWay ??= this.#askStatus(signal).finally(() => {
      this.#statusUnderWay = undefined;
    });
    return this.#statusUnderWay;
  }

  async #askStatus(signal: AbortSignal): Promise<Tailnet> {
    const answer = await askLocalApi(this.#options.socketPath, {
      path: "/localapi/v0/status",
      maxBytes: MAX_STATUS_BYTES,
      signal,
    });
    return parseTailnet(parseObject(answer, "status"));
  }
}

/** The object that a good answer has. */
function parseObject(answer: LocalApiAnswer, question: string): JsonObject {
  const { status, body } = answer;
  if (status === 200) {
    try {
      const value: unknown = JSON.parse(body);
      if (isJsonObject(value)) return value;
    } catch {
      // Said below.
    }
  }
  throw new LocalApiError(
    status === 403 ? "forbidden" : "bad_answer",
    `tailscaled answers ${question} with status ${status} and "${
      body.trim().slice(0, QUOTED_CHARS)
    }"`,
  );
}

/** The node keys of a tailnet, as text. */
interface Tailnet {
  has(key: string): boolean;
}

function parseTailnet({ Peer: peers, Self: self }: JsonObject): Tailnet {
  return {
    has: (key) =>
      isJsonObject(peers) && Object.hasOwn(peers, key) ||
      isJsonObject(self) && self.PublicKey === key,
  };
}

const BUSY: Verdict = {
  allow: false,
  reason: "Too many questions to tailscaled at a time",
  advice: "it is slow, or many clients connect at once; they try again",
};

const NOT_FOUND: Verdict = {
  allow: false,
  reason: "Not found in the tailnet of this machine's tailscaled",
  advice:
    'see "tailscale status" on this machine: is it logged in, and does it list the node?',
};

/** What an operator can do about each way to get no answer. */
function advise(code: LocalApiErrorCode, socketPath: string): string {
  const directory = socketPath.replace(/\/[^/]*$/, "");
  switch (code) {
    case "no_socket":
      return `is tailscaled running, and is its socket the one of -socket? In a container mount the directory ${directory}, not the socket file`;
    case "no_listener":
      return `start tailscaled; in a container mount the directory ${directory}, not the socket file, which tailscaled makes anew at each start`;
    case "no_permission":
      return "run the relay as root or as a user who may use the socket";
    case "forbidden":
      return 'run the relay as root, or make its user tailscaled\'s operator: "tailscale set --operator=<user>"';
    case "timeout":
      return "see tailscaled's log, or restart it";
    case "no_connection":
    case "bad_answer":
      return "does -socket name tailscaled's socket?";
    default:
      return code satisfies never;
  }
}

/** Whatever goes wrong, nobody is let in unasked. */
function refuse(error: unknown, socketPath: string): Verdict {
  if (error instanceof LocalApiError) {
    const advice = advise(error.code, socketPath);
    return { allow: false, reason: error.message, advice };
  }
  return {
    allow: false,
    reason: `Cannot ask tailscaled: ${messageOf(error)}`,
    advice: advise("bad_answer", socketPath),
  };
}
