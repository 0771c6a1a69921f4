/** A file that may change under the relay, read whenever it has. */
import { dirname } from "node:path";
import { type Cancel, type Clock, delay } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { DirectoryWatch } from "./directory_watch.ts";
import { type NamedFile, readSmallFile } from "./small_file.ts";

/** For changes that the system doesn't tell of. */
const POLL_MS = 60_000;
/** From a notice to the look; where one file changes, others do. */
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
    const read = await readSmallFile(file, maxBytes);
    if (read !== undefined) return { text: read.text };
  } catch (error) {
    return { problem: messageOf(error) };
  }
  const name = `${file.what} ${JSON.stringify(file.path)}`;
  return {
    problem: `Cannot read ${name}: it does not exist; ${file.remedy}`,
  };
}

/**
 * Watches the file's directory and compares what the file holds, so that a
 * link may be switched (Kubernetes), the file replaced, removed and made again,
 * or written in place. Where it is a link, changes of the file behind it in
 * another directory are noticed too, but after a switch only within a minute.
 */
export class WatchedFile {
  readonly #options: WatchedFileOptions;
  readonly #closing = new AbortController();
  readonly #watch: DirectoryWatch;
  readonly #polling: Promise<void>;
  #settled: Reading;
  #cancelSoon: Cancel | undefined;
  /** The look under way, and whether another is wanted after it. */
  #looking: Promise<void> | undefined;
  #isWanted = false;

  private constructor(
    settled: Reading,
    options: WatchedFileOptions & { readonly directories: readonly string[] },
  ) {
    this.#settled = settled;
    this.#options = options;
    this.#watch = new DirectoryWatch(
      options.directories,
      () => this.#lookSoon(),
    );
    this.#polling = this.#poll();
    this.#lookSoon(); // it may have changed before the watch began
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
    return new WatchedFile(settled, { ...options, directories });
  }

  /** Why changes are noticed only within a minute, where they are. */
  get watchProblem(): string | undefined {
    return this.#watch.problem;
  }

  /** Looks at the file, one look at a time; who asks meanwhile waits for the next, with all others. Never rejects. */
  look(): Promise<void> {
    this.#isWanted = true;
    return this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Ends the watch; nobody is called after that. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watch.close(); // after this nobody calls #lookSoon()
    this.#cancelSoon?.();
    await Promise.all([this.#polling, this.#looking]);
  }

  async #poll(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await delay(this.#options.clock, POLL_MS, signal);
      await this.look();
    }
  }

  #lookSoon(): void {
    this.#cancelSoon ??= this.#options.clock.after(NOTICE_MS, () => {
      this.#cancelSoon = undefined;
      void this.look();
    });
  }

  async #lookAll(): Promise<void> {
    while (this.#isWanted && !this.#closing.signal.aborted) {
      this.#isWanted = false;
      await this.#lookOnce();
    }
  }

  /** What is being written may be cut off and yet look good, so only what stays the same counts. */
  async #lookOnce(): Promise<void> {
    const { clock, onChange } = this.#options;
    const { signal } = this.#closing;
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
