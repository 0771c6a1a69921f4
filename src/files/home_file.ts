/** The file of `-home-file`: the operator's own page for `/`. */
import { OperatorError } from "../util/operator_error.ts";
import { readSmallFile } from "./small_file.ts";

/** It is in memory, and anybody may ask for it as often as they like. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads the page at `path`.
 *
 * @throws OperatorError
 */
export async function readHomeFile(path: string): Promise<string> {
  const remedy = "name another file with -home-file, or let this user read it";
  const read = await readSmallFile(
    { path, what: "home page", remedy },
    MAX_BYTES,
  );
  if (read !== undefined) return read.text;
  throw new OperatorError(
    `Cannot read home page ${
      JSON.stringify(path)
    }: it does not exist; ${remedy}`,
  );
}
