/** The page at `/`, also where it is a file that changes. */
import type { Home } from "./config/config.ts";
import { readHomeFile } from "./files/home_file.ts";
import type { HomePage } from "./http/pages.ts";
import { logger } from "./log/log.ts";
import { messageOf } from "./util/error_message.ts";

const log = logger("derper");

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
    return new HomeSource(home, isFile ? await readHomeFile(home.path) : "");
  }

  /** Reads the file again (SIGHUP); one that can't be used changes nothing. Never rejects. */
  async reload(): Promise<void> {
    if (this.#path === undefined) return;
    try {
      this.#html = await readHomeFile(this.#path);
    } catch (error) {
      log.warn("the home page stays as it is: {why}", {
        why: messageOf(error),
      });
    }
  }
}
