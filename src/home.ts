/** The page at `/`, also where it is a file that changes. */
import type { Home } from "./config/config.ts";
import { readExistingFile } from "./files/small_file.ts";
import type { HomePage } from "./http/pages.ts";
import { logger } from "./log/log.ts";
import { messageOf } from "./util/error_message.ts";

const log = logger("derper");

/** It is in memory, and anybody may ask for it as often as they like. */
const MAX_BYTES = 1024 * 1024;

/** What the configuration names, loaded. */
export class HomeSource {
  readonly page: HomePage;
  readonly #path: string | undefined;
  #html: string;

  private constructor(home: Home, html: string) {
    this.#html = html;
    this.#path = home.kind === "file" ? home.path : undefined;
    this.page = home.kind === "file"
      ? { kind: "html", html: () => this.#html }
      : home;
  }

  /** @throws OperatorError */
  static async load(home: Home): Promise<HomeSource> {
    const isFile = home.kind === "file";
    return new HomeSource(home, isFile ? await readHtml(home.path) : "");
  }

  /** Reads the file again (SIGHUP); one that can't be used changes nothing. Never rejects. */
  async reload(): Promise<void> {
    if (this.#path === undefined) return;
    try {
      this.#html = await readHtml(this.#path);
    } catch (error) {
      log.warn("the home page stays as it is: {why}", {
        why: messageOf(error),
      });
    }
  }
}

/** @throws OperatorError */
async function readHtml(path: string): Promise<string> {
  const remedy = "name another file with -home-file, or let this user read it";
  return await readExistingFile({ path, what: "home page", remedy }, MAX_BYTES);
}
