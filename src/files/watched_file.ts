/** A file that may change under the relay, read whenever it has. */
import { dirname } from "node:path";
import { type Clock, delay } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { LookOut } from "./look_out.ts";
import { type NamedFile, readExistingFile } from "./small_file.ts";

/** From a notice to the look. */
const NOTICE_MS = 500;
/** A file that is the same after this time is no longer being written. */
const SETTLE_MS = 1_000;
/** So often a file may have changed again before it is taken nevertheless. */
const MAX_CHANGES = 10;

/** What a file holds, or one line about why nobody can tell. */
export type Reading =
  | { readonly text: string; readonly problem?: never }
  | { readonly problem: string; readonly text?: never };

/** Which file, and who wants to know. */
export interface WatchedFileOptions {
  readonly file: NamedFile;
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Called with each reading that differs from the one before, once it has settled. */
  readonly onChange: (reading: Reading) => void;
}

/** Reads the file as it is now. Never rejects. */
export async function readWatchedFile(
  { file, maxBytes }: Pick<WatchedFileOptions, "file" | "maxBytes">,
): Promise<Reading> {
  try {
    return { text: await readExistingFile(file, maxBytes) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/**
 * Watches the file's directory and compares what the file holds, so that a
 * link may be switched (Kubernetes), the file replaced, removed and made again,
 * or written in place. Where it is a link, changes of the file behind it in
 * another directory are noticed too, but after a switch only within a minute.
 */
export class WatchedFile {
  readonly #options: WatchedFileOptions;
  readonly #lookOut: LookOut;
  #settled: Reading;

  private constructor(
    settled: Reading,
    directories: readonly string[],
    options: WatchedFileOptions,
  ) {
    this.#settled = settled;
    this.#options = options;
    this.#lookOut = new LookOut({
      directories,
      clock: options.clock,
      noticeMs: NOTICE_MS,
      look: (signal) => this.#look(signal),
    });
    this.#lookOut.lookSoon(); // it may have changed before the watch began
  }

  /** Watches from now on; `settled` is what is known already. */
  static async start(
    settled: Reading,
    options: WatchedFileOptions,
  ): Promise<WatchedFile> {
    const { path } = options.file;
    const directories = [dirname(path)];
    try {
      directories.push(dirname(await Deno.realPath(path)));
    } catch {
      // It is gone already, which a look will find.
    }
    return new WatchedFile(settled, directories, options);
  }

  /** Why changes are noticed only within a minute, where they are. */
  get watchProblem(): string | undefined {
    return this.#lookOut.watchProblem;
  }

  /** Looks at the file now. Never rejects. */
  look(): Promise<void> {
    return this.#lookOut.look();
  }

  /** Ends the watch; nobody is called after that. */
  close(): Promise<void> {
    return this.#lookOut.close();
  }

  /** What is being written may be cut off and yet look good, so only what stays the same counts. */
  async #look(signal: AbortSignal): Promise<void> {
    const { clock, onChange } = this.#options;
    let last = await readWatchedFile(this.#options);
    for (let changes = 1; !isSame(last, this.#settled); changes++) {
      await delay(clock, SETTLE_MS, signal);
      if (signal.aborted) return;
      const next = await readWatchedFile(this.#options);
      if (signal.aborted) return;
      if (isSame(next, last) || changes === MAX_CHANGES) {
        this.#settled = next;
        return onChange(next);
      }
      last = next;
    }
  }
}

function isSame(a: Reading, b: Reading): boolean {
  return a.text === b.text && a.problem === b.problem;
}
