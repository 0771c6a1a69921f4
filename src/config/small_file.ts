/** Reading and making the small files that the configuration names. */
import { dirname } from "node:path";
import { OperatorError } from "../util/operator_error.ts";

/** What a file held, and what an operator should know about it. */
export interface SmallFile {
  readonly text: string;
  readonly warning?: string;
}

/** Far above any file read here; a larger one is something else. */
const MAX_BYTES = 64 * 1024;

const OTHERS = 0o007;

/** Reads the secret file at `path`, called `what` in messages; undefined where there is none. */
export async function readSecretFile(
  path: string,
  what: string,
): Promise<SmallFile | undefined> {
  const name = `${what} ${JSON.stringify(path)}`;
  let bytes: Uint8Array;
  let mode: number | null;
  try {
    const info = await Deno.stat(path);
    mode = info.mode;
    if (!info.isFile) { // opening a pipe would wait for its writer, perhaps for ever
      const kind = info.isDirectory ? "a directory" : "no regular file";
      throw new OperatorError(
        `Cannot read ${name}: it is ${kind}; name a file`,
      );
    }
    bytes = await readLimited(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof OperatorError) throw cause;
    throw new OperatorError(
      `Cannot read ${name}: ${
        reason(cause)
      }; let the user that runs the relay read it, or name another file`,
      { cause },
    );
  }
  if (bytes.length > MAX_BYTES) {
    throw new OperatorError(
      `Cannot use ${name}: it is larger than 64 KiB; name another file`,
    );
  }
  const text = new TextDecoder().decode(bytes);
  if (((mode ?? 0) & OTHERS) === 0) return { text };
  return {
    text,
    warning:
      `Every user of this machine has rights on ${name}; take them away with chmod 600`,
  };
}

/** Reads one byte more than is allowed at most, however much the file grows meanwhile. */
async function readLimited(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(MAX_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = await file.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

/**
 * Makes `path` and its directory, for the owner's eyes only: it appears with
 * all of `text` or not at all. False where something else is there already.
 */
export async function makeSecretFile(
  path: string,
  what: string,
  text: string,
): Promise<boolean> {
  const temporary = `${path}.tmp${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeSynced(temporary, text);
    return await moveNew(temporary, path);
  } catch (cause) {
    throw new OperatorError(
      `Cannot make ${what} ${JSON.stringify(path)}: ${
        reason(cause)
      }; let the user that runs the relay write to its directory, or name another file`,
      { cause },
    );
  } finally {
    await removeIfThere(temporary);
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, {
    write: true,
    createNew: true,
    mode: 0o600,
  });
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await file.write(rest));
  await file.sync();
}

/** Gives the file at `from` the name `to`; false where that is taken, which a rename alone would overwrite. */
async function moveNew(from: string, to: string): Promise<boolean> {
  try {
    await Deno.link(from, to);
    return true;
  } catch {
    // The name is taken, or this file system has no hard links.
  }
  try {
    await Deno.lstat(to);
    return false;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  await Deno.rename(from, to);
  return true;
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // Renamed, or never made: the error that matters is already on its way.
  }
}

/** The system's words without its number and the call, which Deno adds. */
function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const text = message.split("\n")[0]!.replace(/ \(os error \d+\).*$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}
