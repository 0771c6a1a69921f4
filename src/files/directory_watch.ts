/** Tells of changes in directories, as soon as the system does. */
import { messageOf } from "../util/error_message.ts";

/**
 * Calls back for every change of a file in some directories. It is a help and
 * no promise: a directory that takes the place of another, a network file
 * system, or a system without watches left tells of nothing, so whoever
 * watches has to look from time to time as well.
 */
export class DirectoryWatch {
  /** Why there is no watch, where there is none. */
  readonly problem: string | undefined;
  readonly #watcher: Deno.FsWatcher | undefined;
  readonly #done: Promise<void>;

  constructor(directories: readonly string[], onChange: () => void) {
    try {
      this.#watcher = Deno.watchFs([...new Set(directories)], {
        recursive: false,
      });
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.#done = this.#run(onChange);
  }

  /** Ends the watch. */
  async close(): Promise<void> {
    try {
      this.#watcher?.close();
    } catch {
      // It has ended by itself: its directories are gone.
    }
    await this.#done;
  }

  async #run(onChange: () => void): Promise<void> {
    try {
      for await (const { kind } of this.#watcher ?? []) {
        // Our own reading must not make us read again.
        if (kind !== "access") onChange();
      }
    } catch {
      // Nothing more will be told of; see above.
    }
  }
}
