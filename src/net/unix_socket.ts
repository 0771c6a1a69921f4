/** Listening on a unix socket, and the file that it is. */
import { messageOf } from "../util/error_message.ts";
import { OperatorError } from "../util/operator_error.ts";

/** For the relay's user and group: a proxy's user has to be in that. */
const MODE = 0o660;

/** A listener, whose file is removed at the end. */
export class UnixSocket {
  readonly listener: Deno.Listener<Deno.UnixConn>;
  readonly #path: string;
  /** Tells the file from one that another process has put in its place. */
  readonly #inode: number | null;

  private constructor(
    listener: Deno.Listener<Deno.UnixConn>,
    path: string,
    inode: number | null,
  ) {
    this.listener = listener;
    this.#path = path;
    this.#inode = inode;
  }

  /**
   * Listens at `path`. A socket on which nobody listens any more is replaced,
   * with `reusePort` also one that another process listens on: it keeps the
   * connections it has, and all new ones come here.
   *
   * @throws OperatorError
   */
  static async listen(
    path: string,
    { flag, reusePort }: { flag: string; reusePort: boolean },
  ): Promise<UnixSocket> {
    const cannot = `Cannot listen on unix socket ${
      JSON.stringify(path)
    } (${flag})`;
    try {
      const problem = await obstacle(path, reusePort);
      if (problem !== undefined) throw new OperatorError(problem);
      return await bind(path);
    } catch (error) {
      throw new OperatorError(`${cannot}: ${describe(error)}`, {
        cause: error,
      });
    }

    /** Made aside and moved there: it is there with its rights or not at all. */
    async function bind(path: string): Promise<UnixSocket> {
      const aside = `${path}.${Deno.pid}`;
      await removeIfThere(aside);
      const listener = Deno.listen({ transport: "unix", path: aside });
      try {
        await Deno.chmod(aside, MODE);
        const { ino } = await Deno.lstat(aside);
        await Deno.rename(aside, path);
        return new UnixSocket(listener, path, ino);
      } catch (error) {
        listener.close();
        await removeIfThere(aside);
        throw error;
      }
    }
  }

  /** Whether new connections go to another process, or nowhere. */
  async isReplaced(): Promise<boolean> {
    try {
      return (await Deno.lstat(this.#path)).ino !== this.#inode;
    } catch {
      return true;
    }
  }

  /** Removes the file, unless it is another process' by now. Never rejects. */
  async remove(): Promise<void> {
    if (await this.isReplaced()) return;
    await Deno.remove(this.#path).catch(() => {}); // it is in nobody's way
  }
}

/** What is in the way at `path`, as the end of a sentence. */
async function obstacle(
  path: string,
  reusePort: boolean,
): Promise<string | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  if (!info.isSocket) return "there is a file that is no socket; move it away";
  if (reusePort || !(await isServed(path))) return undefined;
  return "another program listens on it; stop that one, or choose another path";
}

/** Whether anybody listens there. */
async function isServed(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function describe(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) {
    return "its directory doesn't exist; make it, or choose another path";
  }
  if (
    error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable
  ) {
    return "no permission; choose a directory that this user may write to";
  }
  return messageOf(error);
}
