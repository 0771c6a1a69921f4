/** Admits the nodes of the tailnet that a tailscaled on this machine belongs to (`-verify-clients`). */
import type { NodePublic } from "../keys/node_key.ts";
import type { Clock } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { unlessAborted } from "../util/unless_aborted.ts";
import type { Candidate } from "./admission.ts";
import { nodeName } from "./key_list.ts";
import {
  askLocalApi,
  LocalApiError,
  type LocalApiErrorCode,
  objectIn,
  timeout,
} from "./local_api.ts";
import { type Answer, type Source, SourceError } from "./source.ts";
import {
  askStatus,
  type StatusQuery,
  type TailnetStatus,
} from "./tailnet_status.ts";

/** A node with all its capabilities has a few KiB. */
const MAX_WHOIS_BYTES = 1024 * 1024;

/** How a tailscaled before 1.70 answers a whois by node key. */
const TOO_OLD = "invalid 'addr' parameter";

export interface TailscaledOptions {
  /** Of the socket, or of the directory that has it under its usual name. */
  readonly socketPath: string;
  readonly clock: Clock;
}

/** Asks tailscaled about each key: whois, or where it is too old for that, the status. */
export class TailscaledSource implements Source {
  readonly kind = "tailscaled";
  readonly name: string;
  readonly #options: TailscaledOptions;
  /** One question at a time for each; whoever wants to know the same meanwhile shares the answer. */
  readonly #statusUnderWay = new Map<StatusQuery, Promise<TailnetStatus>>();

  constructor(options: TailscaledOptions) {
    this.name = `tailscaled at ${JSON.stringify(options.socketPath)}`;
    this.#options = options;
  }

  ask({ key }: Candidate, signal: AbortSignal): Promise<Answer> {
    return this.#orSourceError(() => this.#ask(key, signal));
  }

  /** Whether it knows its tailnet; also where it is switched off, or its own key has expired. */
  check(signal: AbortSignal): Promise<void> {
    return this.#orSourceError(async () => {
      const status = await this.#status("?peers=false", signal);
      if (!status.hasMap) throw this.#notReady(status);
    });
  }

  async #ask(key: NodePublic, signal: AbortSignal): Promise<Answer> {
    const answer = await askLocalApi(this.#options.socketPath, {
      path: `/localapi/v0/whois?addr=${encodeURIComponent(key.toString())}`,
      maxBytes: MAX_WHOIS_BYTES,
      signal,
    });
    const isTooOld = answer.status === 400 && answer.body.includes(TOO_OLD);
    if (answer.status !== 404 && !isTooOld) {
      return { admitted: true, node: nameOf(objectIn(answer, "whois")) };
    }
    return await this.#find(key, isTooOld ? "" : "?peers=false", signal);
  }

  /**
   * A tailscaled that just starts, or was logged out, knows nobody. That must
   * not count as a clear refusal: nobody's access has ended by it. Its map may
   * also have come after whois said no, so until it is running the whole list
   * decides.
   */
  async #find(
    key: NodePublic,
    query: StatusQuery,
    signal: AbortSignal,
  ): Promise<Answer> {
    const status = await this.#status(query, signal);
    const { names, state, hasMap } = status;
    const id = key.toString();
    if (names.has(id)) return { admitted: true, node: names.get(id) };
    if (!hasMap) throw this.#notReady(status);
    if (state !== "Running" && query !== "") {
      return await this.#find(key, "", signal);
    }
    return {
      admitted: false,
      reason: `Not found in the tailnet of ${this.name}`,
      advice:
        'see "tailscale status" on this machine: does it list the node, and under this key?',
    };
  }

  /** Who shares another's question asks again when only the other's time was up. */
  async #status(
    query: StatusQuery,
    signal: AbortSignal,
  ): Promise<TailnetStatus> {
    for (;;) {
      const shared = this.#statusUnderWay.get(query);
      if (shared === undefined) return await this.#ownStatus(query, signal);
      try {
        const { socketPath } = this.#options;
        return await unlessAborted(shared, signal, () => timeout(socketPath));
      } catch (error) {
        const isTimeout = error instanceof LocalApiError &&
          error.code === "timeout";
        if (signal.aborted || !isTimeout) throw error;
      }
    }
  }

  #ownStatus(query: StatusQuery, signal: AbortSignal): Promise<TailnetStatus> {
    const { socketPath, clock } = this.#options;
    const status = askStatus(socketPath, { query, signal, clock })
      .finally(() => this.#statusUnderWay.delete(query));
    this.#statusUnderWay.set(query, status);
    return status;
  }

  #notReady({ state = "" }: TailnetStatus): SourceError {
    const why = `its state is ${JSON.stringify(state)}`;
    return new SourceError(`${this.name} isn't ready: ${why}`, {
      advice: 'is it up and logged in? See "tailscale status" on this machine',
      isUnreachable: false,
    });
  }

  /** Whatever goes wrong, nobody is let in unasked. */
  async #orSourceError<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof SourceError) throw error;
      const isKnown = error instanceof LocalApiError;
      const code = isKnown ? error.code : "bad_answer";
      const { socketPath } = this.#options;
      throw new SourceError(
        isKnown
          ? error.message
          : `Cannot ask ${this.name}: ${messageOf(error)}`,
        {
          advice: advise(code, socketPath),
          isUnreachable: code !== "bad_answer" && code !== "forbidden",
          cause: error,
        },
      );
    }
  }
}

/** What whois calls the node. */
function nameOf({ Node: node }: JsonObject): string | undefined {
  if (!isJsonObject(node)) return undefined;
  return nodeName(node.Name, node.ComputedName);
}

/** What an operator can do about each way to get no answer. */
function advise(code: LocalApiErrorCode, socketPath: string): string {
  const directory = socketPath.replace(/\/[^/]*$/, "") || "/";
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
