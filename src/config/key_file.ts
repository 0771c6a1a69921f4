/** The file with the relay's private key (`-c`), the same as the Go derper's. */
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { NodePrivate } from "../keys/node_key.ts";
import { OperatorError } from "../util/operator_error.ts";
import { makeSmallFile } from "../files/small_file.ts";
import { readSecretFile, secretFile } from "./secret_file.ts";

const WHAT = "key file";
const FIELD = "PrivateKey";
const PREFIX = "privkey:";
const DIGITS = 64;
/** Both kinds of file end in .key, and nobody shall be told to remove this one. */
const PEM_FAULT = "it holds PEM text, perhaps the key of a certificate";
const OTHER_FILE = "-c names the relay's own key, another file";
const REMEDY =
  "restore it from a backup, or remove it to have a new key made at the next start";

/** The relay's key, and what an operator should know about its file. */
export interface LoadedKey {
  readonly key: NodePrivate;
  /** There was no file, now there is. */
  readonly created: boolean;
  readonly warning?: string;
}

/** Reads the key at `path`, or makes one where nothing is there. */
export async function loadKeyFile(path: string): Promise<LoadedKey> {
  const found = await readKey(path);
  if (found) return found;
  const key = NodePrivate.generate();
  const file = { text: formatKeyFile(key), mode: 0o600, directoryMode: 0o755 };
  if (await makeSmallFile(secretFile(path, WHAT), file)) {
    return { key, created: true };
  }
  // Another relay was quicker, and its key is the one that lasts.
  const other = await readKey(path);
  if (other) return other;
  throw new OperatorError(
    `Cannot make key file ${
      JSON.stringify(path)
    }: it is a symbolic link to a missing file; remove the link, or make what it points to`,
  );
}

async function readKey(path: string): Promise<LoadedKey | undefined> {
  const file = await readSecretFile(secretFile(path, WHAT));
  if (file === undefined) return undefined;
  const { text, ...rest } = file;
  return { key: parseKeyFile(text, path), created: false, ...rest };
}

/** Go's `json.MarshalIndent` with a tab, and no newline at the end. */
export function formatKeyFile(key: NodePrivate): string {
  return JSON.stringify({ [FIELD]: key.reveal() }, undefined, "\t");
}

/** The key in `text`. No message holds a part of the text: it might be the key. */
export function parseKeyFile(text: string, path: string): NodePrivate {
  const value = privateKeyField(text);
  const key = typeof value === "string" ? NodePrivate.parse(value) : undefined;
  if (key) return key;
  const why = fault(text, value);
  throw new OperatorError(
    `Cannot use key file ${JSON.stringify(path)}: ${why}; ${
      why === PEM_FAULT ? OTHER_FILE : REMEDY
    }`,
  );
}

/** The value beside "PrivateKey"; undefined where the text is no JSON object with one. */
function privateKeyField(text: string): unknown {
  const json = parseObject(text);
  return json && Object.hasOwn(json, FIELD) ? json[FIELD] : undefined;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined; // V8's message quotes the text
  }
}

function fault(text: string, value: unknown): string {
  if (text.trim() === "") return "it is empty";
  if (text.includes("-----BEGIN ")) return PEM_FAULT;
  if (parseObject(text) === undefined) return "it holds no JSON object";
  if (value === undefined) return `it has no "${FIELD}"`;
  const field = `its "${FIELD}"`;
  if (typeof value !== "string") return `${field} is not a string`;
  if (!value.startsWith(PREFIX)) {
    return `${field} does not start with "${PREFIX}"`;
  }
  const digits = value.slice(PREFIX.length);
  return digits.length !== DIGITS || !/^[0-9a-fA-F]*$/.test(digits)
    ? `${field} is not "${PREFIX}" with ${DIGITS} hexadecimal digits`
    : `${field} is all zero`;
}
