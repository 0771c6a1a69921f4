/** Files that everybody may read, made where an operator says. */
import { OperatorError } from "../util/operator_error.ts";
import { type NamedFile, replaceSmallFile } from "./small_file.ts";

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * Makes a file, or replaces it as a whole, so that nobody ever reads half of
 * it. Where its name is a link, the file behind it is replaced.
 *
 * @throws OperatorError
 */
export async function replacePublicFile(
  file: NamedFile,
  text: string,
): Promise<void> {
  const path = await targetOf(file);
  await replaceSmallFile({ ...file, path }, {
    text,
    mode: FILE_MODE,
    directoryMode: DIRECTORY_MODE,
  });
  await Deno.chmod(path, FILE_MODE); // whatever the umask leaves of it
}

/**
 * The file that a path leads to.
 *
 * @throws OperatorError where that is a device or a directory, whose place no file must take
 */
async function targetOf(
  { path, what, remedy }: NamedFile,
): Promise<string> {
  try {
    const { isFile } = await Deno.stat(path);
    if (isFile) return await Deno.realPath(path);
  } catch {
    return path; // nothing is there, or writing will tell why it can't be used
  }
  throw new OperatorError(
    `Cannot write ${what} ${
      JSON.stringify(path)
    }: it is no regular file; ${remedy}`,
  );
}
