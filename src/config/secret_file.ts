/** Files with secrets that flags name: the key file and the mesh key. */
import { type NamedFile, readSmallFile } from "../files/small_file.ts";

/** Far above any such file; a larger one is something else. */
const MAX_BYTES = 64 * 1024;

/** What a secret file held, and what an operator should know about it. */
export interface SecretFile {
  readonly text: string;
  readonly warning?: string;
}

/** The secret file at `path`, for reading or making it. */
export function secretFile(path: string, what: string): NamedFile {
  const remedy =
    "let the user that runs the relay read and write it, or name another file";
  return { path, what, remedy };
}

/** Reads a secret file; undefined where there is none. */
export async function readSecretFile(
  file: NamedFile,
): Promise<SecretFile | undefined> {
  const read = await readSmallFile(file, MAX_BYTES);
  if (read === undefined) return undefined;
  const { text } = read;
  if (!read.isOpenToOthers) return { text };
  const name = `${file.what} ${JSON.stringify(file.path)}`;
  return {
    text,
    warning:
      `Every user of this machine has rights on ${name}; take them away with chmod 600`,
  };
}
