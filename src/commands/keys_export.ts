/** `derper keys export`: writes what `-verify-keys-file` reads, on a node that knows the tailnet. */
import { formatKeys } from "../admission/key_list_text.ts";
import {
  askLocalApi,
  type LocalApiAnswer,
  LocalApiError,
} from "../admission/local_api.ts";
import {
  isStatus,
  parseStatus,
  type TailnetStatus,
} from "../admission/tailnet_status.ts";
import { replacePublicFile } from "../files/public_file.ts";
import type { NamedFile } from "../files/small_file.ts";
import type { Clock } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { OperatorError } from "../util/operator_error.ts";

/** For tailscaled's answer. */
const DEADLINE_MS = 10_000;
/** All nodes of a tailnet, 1 to 2 KiB each. */
const MAX_STATUS_BYTES = 64 * 1024 * 1024;
/** Of an unexpected answer, in messages. */
const QUOTED_CHARS = 100;

/** Whom to ask, and where the list is to go. */
export interface KeysExportOptions {
  /** tailscaled's socket. */
  readonly socketPath: string;
  /** Undefined for the standard output. */
  readonly outputPath?: string | undefined;
  readonly clock: Clock;
  /** Writes to the standard output. */
  readonly print: (text: string) => void | Promise<void>;
}

/**
 * Asks tailscaled for the nodes it knows and writes their list, or prints it.
 * A list without nodes is never written.
 *
 * @returns one line about what was done, for the standard error
 * @throws OperatorError
 */
export async function exportKeys(options: KeysExportOptions): Promise<string> {
  const { socketPath, outputPath, clock, print } = options;
  const status = parseStatus(await askStatus(options), clock.date());
  if (status.names.size === 0) {
    const state = status.state === undefined ? "" : ` in state ${status.state}`;
    throw new OperatorError(
      `tailscaled at ${
        JSON.stringify(socketPath)
      }${state} lists no nodes, and an empty list would refuse everybody: nothing was written; log in with "tailscale up" first`,
    );
  }
  const text = formatKeys(status.names, comments(status, options));
  if (outputPath === undefined) await print(text);
  else await replacePublicFile(namedFile(outputPath), text);
  return `${summary(status)} to ${outputPath ?? "the standard output"}`;
}

/** Where the list comes from, for who finds it. */
function comments(
  { tailnet, self }: TailnetStatus,
  { clock, socketPath }: KeysExportOptions,
): string[] {
  const time = clock.date().toISOString().replace(/\.\d+Z$/, "Z");
  const of = tailnet === undefined ? "" : ` of the tailnet ${tailnet}`;
  const on = self === undefined ? "" : ` on ${self}`;
  return [
    `The nodes${of} for -verify-keys-file, one to a line: its key, and its name for the log`,
    `Written by "derper keys export" at ${time} from tailscaled at ${
      JSON.stringify(socketPath)
    }${on}`,
  ];
}

function summary({ names, expired, unusable }: TailnetStatus): string {
  const left = expired + unusable;
  const nodes = names.size === 1 ? "1 node" : `${names.size} nodes`;
  const out = left === 0
    ? ""
    : `, without ${left} whose keys have expired or can't be used,`;
  return `wrote ${nodes}${out}`;
}

/** @throws OperatorError */
async function askStatus(
  { socketPath, clock }: KeysExportOptions,
): Promise<JsonObject> {
  const deadline = new AbortController();
  const cancel = clock.after(DEADLINE_MS, () => deadline.abort());
  try {
    const answer = await askLocalApi(socketPath, {
      path: "/localapi/v0/status",
      maxBytes: MAX_STATUS_BYTES,
      signal: deadline.signal,
    });
    return parseAnswer(answer);
  } catch (error) {
    throw new OperatorError(
      `Cannot export keys: ${messageOf(error)}; ${adviceFor(error)}`,
      { cause: error },
    );
  } finally {
    cancel();
  }
}

/** @throws LocalApiError */
function parseAnswer({ status, body }: LocalApiAnswer): JsonObject {
  if (status === 200) {
    try {
      const value: unknown = JSON.parse(body);
      if (isJsonObject(value) && isStatus(value)) return value;
    } catch {
      // Said below.
    }
  }
  throw new LocalApiError(
    status === 403 ? "forbidden" : "bad_answer",
    `tailscaled answers with status ${status} and ${
      JSON.stringify(body.trim().slice(0, QUOTED_CHARS))
    }`,
  );
}

function adviceFor(error: unknown): string {
  const code = error instanceof LocalApiError ? error.code : "bad_answer";
  switch (code) {
    case "no_socket":
    case "no_listener":
      return "run this where tailscaled runs, and name its socket with -socket if it is another one";
    case "no_permission":
    case "forbidden":
      return "run this as root";
    case "timeout":
      return "see tailscaled's log, or restart it";
    case "no_connection":
    case "bad_answer":
      return "does -socket name tailscaled's socket?";
    default:
      return code satisfies never;
  }
}

function namedFile(path: string): NamedFile {
  return {
    path,
    what: "keys file",
    remedy: "name another file with -o, or none for the standard output",
  };
}
