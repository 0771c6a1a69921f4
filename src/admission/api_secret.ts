/** Secrets for a control plane's API, each in a file of its own. */
import {
  type NamedFile,
  readSmallFile,
  type SmallFile,
} from "../files/small_file.ts";
import { logger } from "../log/log.ts";
import { messageOf } from "../util/error_message.ts";
import { SourceError } from "./source.ts";

const log = logger("admission");

/** API keys and secrets of OAuth clients have less than 100 bytes. */
const MAX_BYTES = 1024;

/** One word, as a header can have it. */
const SECRET = /^[\x21-\x7e]+$/;

/** A file that is read whenever its secret is needed, so that a new one counts without a restart. */
export class ApiSecret {
  readonly #file: NamedFile;
  #isWarned = false;

  /** `what` is for messages, for example "API key of headscale". */
  constructor(path: string, what: string) {
    const remedy =
      "let the user that runs the relay read it, or name another file";
    this.#file = { path, what, remedy };
  }

  /** The file as messages name it. */
  get name(): string {
    return JSON.stringify(this.#file.path);
  }

  /** The secret. @throws SourceError */
  async read(): Promise<string> {
    const file = await this.#readFile();
    const secret = file.text.trim();
    if (!SECRET.test(secret)) {
      const found = secret === ""
        ? "is empty"
        : "isn't one line without spaces";
      throw this.#unusable(`The ${this.#what} ${found}`);
    }
    if (file.isOpenToOthers && !this.#isWarned) {
      this.#isWarned = true;
      log.warn(
        "every user of this machine has rights on the {what}; take them away with chmod 600",
        { what: this.#what },
      );
    }
    return secret;
  }

  /** What it is and where. */
  get #what(): string {
    return `${this.#file.what} ${this.name}`;
  }

  async #readFile(): Promise<{ text: string; isOpenToOthers: boolean }> {
    const { remedy } = this.#file;
    let file: SmallFile | undefined;
    try {
      file = await readSmallFile(this.#file, MAX_BYTES);
    } catch (error) {
      const why = messageOf(error).replace(`; ${remedy}`, "");
      throw this.#unusable(why, remedy);
    }
    if (file !== undefined) return file;
    throw this.#unusable(`There is no ${this.#what}`);
  }

  #unusable(
    message: string,
    advice = `put the ${this.#file.what} into that file`,
  ): SourceError {
    return new SourceError(message, { advice, isUnreachable: false });
  }
}
