/** Reading and making the small files that an operator names: keys, secrets, certificates. */
import { messageOf } from "../util/error_message.ts";
import { dirname } from "node:path";
import { OperatorError } from "../util/operator_error.ts";

/** A file, and what messages about it say. */
export interface NamedFile {
  readonly path: string;
  /** What it is, for example "key file". */
  readonly what: string;
  /** What to do where it can't be used, for example "name another file". */
  readonly remedy: string;
}

/** What a file held. */
export interface SmallFile {
  readonly text: string;
  /** Whether every user of the machine may read or change it. */
  readonly isOpenToOthers: boolean;
}

/** What a new file is to hold, and who may read it. */
export interface NewFile {
  readonly text: string;
  readonly mode: number;
  /** Mode of its directory, where that has to be made too. */
  readonly directoryMode: number;
}

const OTHERS = 0o007;
const CHUNK_BYTES = 16 * 1024;

/**
 * Reads a file of at most `maxBytes`; undefined where there is none.
 *
 * @throws OperatorError
 */
export async function readSmallFile(
  file: NamedFile,
  maxBytes: number,
): Promise<SmallFile | undefined> {
  let bytes: Uint8Array;
  let mode: number | null;
  try {
    const info = await Deno.stat(file.path);
    mode = info.mode;
    if (!info.isFile) { // opening a pipe would wait for its writer, perhaps for ever
      const kind = info.isDirectory ? "a directory" : "no regular file";
      throw cannot("read", file, `it is ${kind}`);
    }
    bytes = await readLimited(file.path, maxBytes);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof OperatorError) throw cause;
    throw cannot("read", file, reason(cause), { cause });
  }
  if (bytes.length > maxBytes) {
    throw cannot("use", file, `it is larger than ${maxBytes / 1024} KiB`);
  }
  return {
    text: new TextDecoder().decode(bytes),
    isOpenToOthers: ((mode ?? 0) & OTHERS) !== 0,
  };
}

/**
 * Reads the text of a file that has to be there.
 *
 * @throws OperatorError
 */
export async function readExistingFile(
  file: NamedFile,
  maxBytes: number,
): Promise<string> {
  const read = await readSmallFile(file, maxBytes);
  if (read !== undefined) return read.text;
  throw cannot("read", file, "it does not exist");
}

/** All of a file, or a bit more than is allowed, however much the file grows meanwhile. */
async function readLimited(
  path: string,
  maxBytes: number,
): Promise<Uint8Array> {
  using file = await Deno.open(path);
  let buffer = new Uint8Array(CHUNK_BYTES);
  let length = 0;
  while (length <= maxBytes) {
    if (length === buffer.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(buffer);
      buffer = larger;
    }
    const count = await file.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

/**
 * Makes a file and its directory: it appears with all of its text or not at
 * all. False where something else is there already; that is never overwritten.
 *
 * @throws OperatorError
 */
export async function makeSmallFile(
  file: NamedFile,
  content: NewFile,
): Promise<boolean> {
  return await writeAside(file, content, { verb: "make", move: moveNew });
}

/**
 * Makes a file and its directory, or replaces the file: whatever happens, it
 * has its old text or all of the new one.
 *
 * @throws OperatorError
 */
export async function replaceSmallFile(
  file: NamedFile,
  content: NewFile,
): Promise<void> {
  await writeAside(file, content, { verb: "write", move: Deno.rename });
}

/** Writes all of it under another name in the directory, from where `move` takes it to its own. */
async function writeAside<T>(
  file: NamedFile,
  { text, mode, directoryMode }: NewFile,
  { verb, move }: {
    verb: string;
    move: (from: string, to: string) => Promise<T>;
  },
): Promise<T> {
  const temporary = `${file.path}.${crypto.randomUUID()}.tmp`;
  try {
    const directory = dirname(file.path);
    await Deno.mkdir(directory, { recursive: true, mode: directoryMode });
    await writeSynced(temporary, text, mode);
    return await move(temporary, file.path);
  } catch (cause) {
    throw cannot(verb, file, reason(cause), { cause });
  } finally {
    await removeIfThere(temporary);
  }
}

async function writeSynced(
  path: string,
  text: string,
  mode: number,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
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

function cannot(
  verb: string,
  { what, path, remedy }: NamedFile,
  why: string,
  options?: ErrorOptions,
): OperatorError {
  const name = `${what} ${JSON.stringify(path)}`;
  return new OperatorError(
    `Cannot ${verb} ${name}: ${why}; ${remedy}`,
    options,
  );
}

/** The system's words without its number and the call, which Deno adds. */
function reason(cause: unknown): string {
  const message = messageOf(cause);
  const text = message.split("\n")[0]!.replace(/ \(os error \d+\).*$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}
