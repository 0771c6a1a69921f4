/** Reads and makes the two files of a certificate. */
import { concatBytes } from "../util/bytes.ts";
import { OperatorError } from "../util/operator_error.ts";

/** Over any chain: clients refuse one of more than 256 KiB. */
const MAX_BYTES = 1024 * 1024;
/** Holds most chains. */
const CHUNK_BYTES = 16 * 1024;

/** What a file holds, for messages. */
export type FileRole = "Certificate" | "Private key";

/** The text of a file, undefined where there is none; every other fault is an OperatorError. */
export async function readFile(
  path: string,
  role: FileRole,
): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    const { isFile } = await Deno.stat(path);
    // Opening a FIFO would wait for its writer.
    if (!isFile) {
      throw new OperatorError(
        `${role} "${path}" is not a file; put a PEM file in its place`,
      );
    }
    bytes = await readLimited(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof OperatorError) throw cause;
    throw new OperatorError(
      `Cannot read ${role.toLowerCase()} "${path}": ${
        reason(cause)
      }; let the relay's user read it`,
      { cause },
    );
  }
  if (bytes.length > MAX_BYTES) {
    throw new OperatorError(
      `${role} "${path}" is over 1 MiB; put only the PEM text of this host into it`,
    );
  }
  if (bytes.length === 0) {
    throw new OperatorError(
      `${role} "${path}" is empty; write its PEM text into it`,
    );
  }
  return new TextDecoder().decode(bytes);
}

/** All of a file, or a bit more than the limit, however much the file grows meanwhile. */
async function readLimited(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const chunks: Uint8Array[] = [];
  for (let length = 0; length <= MAX_BYTES;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = await file.read(chunk);
    if (count === null) break;
    chunks.push(chunk.subarray(0, count));
    length += count;
  }
  return concatBytes(...chunks);
}

/** What a new file holds, and who may read it. */
export interface NewFile {
  readonly text: string;
  readonly mode: number;
}

/** Makes a file that appears with all of its text or not at all, and never takes another's place. */
export async function writeNewFile(path: string, file: NewFile): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await writeSynced(temporary, file);
    try {
      await Deno.link(temporary, path); // unlike a rename it fails where `path` is taken
    } finally {
      await Deno.remove(temporary);
    }
  } catch (cause) {
    throw new OperatorError(
      `Cannot write "${path}": ${
        reason(cause)
      }; make its directory writable for the relay's user, or put a certificate and key there yourself`,
      { cause },
    );
  }
}

/** Makes `path` and what is above it where it doesn't exist. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode });
  } catch (cause) {
    throw new OperatorError(
      `Cannot make directory "${path}": ${
        reason(cause)
      }; make it for the relay's user, or set -certdir`,
      { cause },
    );
  }
}

async function writeSynced(
  path: string,
  { text, mode }: NewFile,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await file.write(rest));
  await file.sync();
}

/** The operating system's words, without the path that Deno adds to some. */
function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split("\n")[0]!.replace(
    /: (link|open|stat|remove|mkdir) '.*$/,
    "",
  );
}
