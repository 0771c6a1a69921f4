/** `derper keys export`: writes what `-verify-keys-file` reads, on a node that knows the tailnet. */
import { formatKeys } from "../admission/key_list_text.ts";
import { LocalApiError } from "../admission/local_api.ts";
import { askStatus, type TailnetStatus } from "../admission/tailnet_status.ts";
import { replacePublicFile } from "../files/public_file.ts";
import type { NamedFile } from "../files/small_file.ts";
import type { Clock } from "../util/clock.ts";
import { counted } from "../util/counted.ts";
import { messageOf } from "../util/error_message.ts";
import { OperatorError } from "../util/operator_error.ts";

/** For tailscaled's answer. */
const DEADLINE_MS = 10_000;

/** Whom to ask, and where the list is to go. */
export interface KeysExportOptions {
  /** tailscaled's socket. */
  readonly socketPath: string;
  /** Undefined for the standard output. */
  readonly outputPath?: string | undefined;
  readonly clock: Clock;
  /** Writes to the standard output. */
  readonly print: (text: string) => void;
}

/**
 * Asks tailscaled for the nodes it knows and writes their list, or prints it.
 * A list without nodes is never written.
 *
 * @returns one line about what was done, for the standard error
 * @throws OperatorError
 */
export async function exportKeys(options: KeysExportOptions): Promise<string> {
  const { socketPath, outputPath, print } = options;
  const status = await askInTime(options);
  if (status.names.size === 0) {
    const state = status.state === undefined ? "" : ` in state ${status.state}`;
    throw new OperatorError(
      `tailscaled at ${
        JSON.stringify(socketPath)
      }${state} lists no nodes, and an empty list would refuse everybody: nothing was written; log in with "tailscale up" first`,
    );
  }
  const text = formatKeys(status.names, comments(status, options));
  if (outputPath === undefined) print(text);
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
  const out = left === 0
    ? ""
    : `, without ${left} whose keys have expired or can't be used,`;
  return `wrote ${counted(names.size, "node")}${out}`;
}

/** @throws OperatorError */
async function askInTime(
  { socketPath, clock }: KeysExportOptions,
): Promise<TailnetStatus> {
  const deadline = new AbortController();
  const cancel = clock.after(DEADLINE_MS, () => deadline.abort());
  try {
    return await askStatus(socketPath, { signal: deadline.signal, clock });
  } catch (error) {
    throw new OperatorError(
      `Cannot export keys: ${messageOf(error)}; ${adviceFor(error)}`,
      { cause: error },
    );
  } finally {
    cancel();
  }
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
