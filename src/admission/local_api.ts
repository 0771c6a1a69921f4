/**
 * HTTP to tailscaled over its unix socket. Each question has a connection of
 * its own, so a socket that is made anew is found at once. Not by `fetch`: that
 * of Deno 2.9.6 hangs on about one in 26 new connections to a unix socket.
 */
import { messageOf } from "../util/error_message.ts";
import { isJsonObject, type JsonObject } from "../util/json.ts";

/** Of tailscaled's socket, where only its directory is named. */
const SOCKET_NAME = "tailscaled.sock";

/** tailscaled answers no other host name. */
const HOST = "local-tailscaled.sock";

/** What the head of an answer may have; tailscaled's have about 500 bytes. */
const MAX_HEAD_BYTES = 16 * 1024;

const FIRST_BUFFER_BYTES = 8 * 1024;

/** Of an unexpected answer, in messages. */
const QUOTED_CHARS = 100;

/** Why there is no answer. */
export type LocalApiErrorCode =
  | "no_socket" // there is no such file
  | "no_permission" // for the file
  | "no_listener" // nobody listens on the socket, or it isn't one
  | "no_connection" // for another reason
  | "timeout"
  | "forbidden"
  | "bad_answer"; // cut off, too long, or not what tailscaled would say

/** Thrown when there is no answer; the message is for an operator. */
export class LocalApiError extends Error {
  override readonly name = "LocalApiError";
  readonly code: LocalApiErrorCode;

  constructor(code: LocalApiErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export interface LocalApiQuestion {
  /** Path and query. */
  readonly path: string;
  /** Head included. */
  readonly maxBytes: number;
  /** The caller's deadline. */
  readonly signal: AbortSignal;
}

export interface LocalApiAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Puts one GET request to the tailscaled behind `socketPath`, which may be a
 * directory with its socket.
 *
 * @throws LocalApiError
 */
export async function askLocalApi(
  socketPath: string,
  question: LocalApiQuestion,
): Promise<LocalApiAnswer> {
  const conn = await connect(await resolveDirectory(socketPath));
  const { signal } = question;
  let isOpen = true;
  const close = () => {
    if (isOpen) conn.close();
    isOpen = false;
  };
  signal.addEventListener("abort", close);
  try {
    if (signal.aborted) throw timeout(socketPath);
    await conn.write(request(question.path)); // a new socket has room for all of it
    return await readAnswer(new Input(conn, question.maxBytes));
  } catch (error) {
    if (signal.aborted) throw timeout(socketPath, error);
    if (error instanceof LocalApiError) throw error;
    const message = messageOf(error);
    throw badAnswer(
      `The connection to "${socketPath}" broke: ${message}`,
      error,
    );
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/**
 * The object that a good answer has; `question` names what it answers.
 *
 * @throws LocalApiError
 */
export function objectIn(
  { status, body }: LocalApiAnswer,
  question: string,
): JsonObject {
  if (status === 200) {
    try {
      const value: unknown = JSON.parse(body);
      if (isJsonObject(value)) return value;
    } catch {
      // Said below.
    }
  }
  const said = body.trim().slice(0, QUOTED_CHARS).replace(/\p{Cc}/gu, " ");
  throw new LocalApiError(
    status === 403 ? "forbidden" : "bad_answer",
    `tailscaled answers ${question} with status ${status} and "${said}"`,
  );
}

/** Looked at for each question, since both may come later. */
async function resolveDirectory(path: string): Promise<string> {
  const info = await stat(path);
  return info?.isDirectory
    ? `${path.replace(/\/+$/, "")}/${SOCKET_NAME}`
    : path;
}

async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch {
    return undefined; // whoever connects finds out
  }
}

async function connect(path: string): Promise<Deno.UnixConn> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new LocalApiError("no_socket", `There is no "${path}"`, error);
    }
    if (
      error instanceof Deno.errors.PermissionDenied ||
      error instanceof Deno.errors.NotCapable
    ) {
      throw new LocalApiError(
        "no_permission",
        `No permission to use "${path}"${await ownerOf(path)}`,
        error,
      );
    }
    const message = messageOf(error);
    throw new LocalApiError(
      error instanceof Deno.errors.ConnectionRefused
        ? "no_listener"
        : "no_connection",
      `Cannot connect to "${path}": ${message}`,
      error,
    );
  }
}

/** Whose file it is, as far as that can be seen. */
async function ownerOf(path: string): Promise<string> {
  const { uid, mode } = await stat(path) ?? {};
  if (typeof uid !== "number" || typeof mode !== "number") return "";
  const permissions = (mode & 0o777).toString(8).padStart(4, "0");
  return `, which belongs to the user with id ${uid} and has mode ${permissions}`;
}

/** There was no answer from that socket in time. */
export function timeout(socketPath: string, cause?: unknown): LocalApiError {
  return new LocalApiError(
    "timeout",
    `No answer from "${socketPath}" in time`,
    cause,
  );
}

/** HTTP/1.0, so that the answer isn't chunked and the server closes behind it. */
function request(path: string): Uint8Array {
  return new TextEncoder().encode(
    `GET ${path} HTTP/1.0\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`,
  );
}

/** What has been read, all of it, up to a limit. */
class Input {
  readonly #conn: Deno.Conn;
  readonly #maxBytes: number;
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  length = 0;

  constructor(conn: Deno.Conn, maxBytes: number) {
    this.#conn = conn;
    this.#maxBytes = maxBytes;
  }

  /** Reads on; false at the end. */
  async more(): Promise<boolean> {
    if (this.length === this.#buffer.length) this.#grow();
    const bytes = await this.#conn.read(this.#buffer.subarray(this.length));
    this.length += bytes ?? 0;
    return bytes !== null;
  }

  /** The first bytes, each as one character. */
  head(maxBytes: number): string {
    const end = Math.min(this.length, maxBytes);
    return String.fromCharCode(...this.#buffer.subarray(0, end));
  }

  /** The bytes from `from` up to `to` as UTF-8. */
  text(from: number, to: number): string {
    const end = Math.min(this.length, to);
    return new TextDecoder().decode(this.#buffer.subarray(from, end));
  }

  requireRoomFor(bytes: number): void {
    if (bytes > this.#maxBytes) {
      throw badAnswer(`The answer has more than ${this.#maxBytes} bytes`);
    }
  }

  #grow(): void {
    this.requireRoomFor(this.length + 1);
    const larger = new Uint8Array(Math.min(this.length * 2, this.#maxBytes));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

async function readAnswer(input: Input): Promise<LocalApiAnswer> {
  const head = await readHead(input);
  const bodyAt = head.length + 4;
  const status = /^HTTP\/1\.[01] ([1-9][0-9]{2})[ \r]/.exec(head)?.[1];
  if (status === undefined) throw badAnswer("The answer isn't HTTP");
  const length = /\r\ncontent-length: *([0-9]{1,15})(\r|$)/i.exec(head)?.[1];
  const end = length === undefined ? Infinity : bodyAt + Number(length);
  if (length !== undefined) input.requireRoomFor(end);
  while (input.length < end && await input.more());
  if (length !== undefined && input.length < end) {
    throw badAnswer("The answer is cut off");
  }
  return { status: Number(status), body: input.text(bodyAt, end) };
}

/** Status line and headers, without the empty line behind them. */
async function readHead(input: Input): Promise<string> {
  while (await input.more()) {
    const text = input.head(MAX_HEAD_BYTES);
    const end = text.indexOf("\r\n\r\n");
    if (end !== -1) return text.slice(0, end);
    if (input.length >= MAX_HEAD_BYTES) {
      throw badAnswer("The answer isn't HTTP");
    }
  }
  throw badAnswer("The answer is cut off");
}

function badAnswer(message: string, cause?: unknown): LocalApiError {
  return new LocalApiError("bad_answer", message, cause);
}
