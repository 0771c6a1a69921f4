/** `-verify-keys-file`: admits the nodes that a file lists; nothing else needs to run. */
import type { NamedFile } from "../files/small_file.ts";
import {
  type Reading,
  readWatchedFile,
  WatchedFile,
} from "../files/watched_file.ts";
import { logger } from "../log/log.ts";
import type { Clock } from "../util/clock.ts";
import { counted } from "../util/counted.ts";
import { OperatorError } from "../util/operator_error.ts";
import type { Candidate } from "./admission.ts";
import type { KeyList } from "./key_list.ts";
import { type ParsedKeys, parseKeys } from "./key_list_text.ts";
import type { Answer, Source } from "./source.ts";

const log = logger("admission");

/** Some 200,000 lines, or 10,000 nodes as tailscaled describes them. */
const MAX_BYTES = 16 * 1024 * 1024;

/** How to come by a good file. */
const EXPORT =
  'write it anew with "derper keys export" on a node of the tailnet';

/** Which file, and whose time it is read in. */
export interface KeysFileOptions {
  readonly path: string;
  readonly clock: Clock;
}

/**
 * Answers from the last good list. The file is watched, and a new list takes
 * the place of the old one as a whole; a file that can't be used changes
 * nothing but the log.
 */
export class KeysFileSource implements Source {
  readonly kind = "keys-file";
  readonly name: string;
  readonly #options: KeysFileOptions;
  #list: KeyList;
  /** What is wrong with the file as it is now. */
  #problem: string | undefined;
  #watched: WatchedFile | undefined;

  private constructor(list: KeyList, options: KeysFileOptions) {
    this.name = nameOf(options.path);
    this.#options = options;
    this.#list = list;
  }

  /**
   * Reads the file and watches it from then on.
   *
   * @throws OperatorError when there is no list to begin with
   */
  static async load(options: KeysFileOptions): Promise<KeysFileSource> {
    const file = { file: namedFile(options.path), maxBytes: MAX_BYTES };
    const reading = await readWatchedFile(file);
    const parsed = parse(reading, options);
    if (typeof parsed === "string") throw new OperatorError(parsed);
    const source = new KeysFileSource(parsed.list, options);
    log.info("{file} lists {nodes}", {
      file: source.name,
      nodes: counted(parsed.list.size, "node"),
    });
    source.#warnOf(parsed);
    source.#watched = await WatchedFile.start(reading, {
      ...file,
      clock: options.clock,
      onChange: (reading) => source.#take(reading),
    });
    source.#logWatch();
    return source;
  }

  /** The list that counts. */
  get list(): KeyList {
    return this.#list;
  }

  /** One line about why the file as it is now isn't the list that counts. */
  get problem(): string | undefined {
    return this.#problem;
  }

  ask({ key }: Candidate): Promise<Answer> {
    if (this.#list.has(key)) {
      return Promise.resolve({ admitted: true, node: this.#list.nameOf(key) });
    }
    const now = this.#problem === undefined
      ? ""
      : `, as it was before it became unusable`;
    return Promise.resolve({
      admitted: false,
      reason: `Not among the ${
        counted(this.#list.size, "node")
      } of ${this.name}${now}`,
      advice: `add its line to the file, or ${EXPORT}`,
    });
  }

  /** Looks at the file now, as an operator asks for it, and says what was found. */
  async reload(): Promise<void> {
    const list = this.#list;
    const problem = this.#problem;
    await this.#watched?.look();
    if (this.#list !== list || this.#problem !== problem) return; // told
    if (problem === undefined) {
      log.info("{file} has not changed", { file: this.name });
    } else {
      this.#logProblem();
    }
  }

  async close(): Promise<void> {
    await this.#watched?.close();
  }

  #take(reading: Reading): void {
    const parsed = parse(reading, this.#options);
    if (typeof parsed !== "string") return this.#swap(parsed);
    if (parsed === this.#problem) return;
    this.#problem = parsed;
    this.#logProblem();
  }

  #swap(parsed: ParsedKeys): void {
    const { list } = parsed;
    const fresh = list.countNotIn(this.#list);
    const gone = this.#list.countNotIn(list);
    const wasBroken = this.#problem !== undefined;
    this.#list = list;
    this.#problem = undefined;
    if (wasBroken || fresh > 0 || gone > 0) {
      log.info("{file} {again}lists {nodes}: {fresh} new, {gone} gone", {
        file: this.name,
        again: wasBroken ? "is good again and " : "now ",
        nodes: counted(list.size, "node"),
        fresh,
        gone,
      });
    }
    this.#warnOf(parsed);
  }

  #warnOf({ fault }: ParsedKeys): void {
    if (fault === undefined) return;
    log.warn("of {file} the rest counts, but {fault}", {
      file: this.name,
      fault,
    });
  }

  #logProblem(): void {
    log.error("the last good list of {nodes} stays: {problem}", {
      nodes: counted(this.#list.size, "node"),
      problem: this.#problem,
    });
  }

  #logWatch(): void {
    const why = this.#watched?.watchProblem;
    if (why === undefined) return;
    log.info(
      "can't watch the directory of {file} ({why}): changes are noticed within a minute",
      { file: this.name, why },
    );
  }
}

function parse(
  { text, problem }: Reading,
  { path, clock }: KeysFileOptions,
): ParsedKeys | string {
  if (problem !== undefined) return problem;
  const parsed = parseKeys(text, clock.date());
  return typeof parsed === "string"
    ? `Cannot use ${nameOf(path)}: ${parsed}; ${EXPORT}`
    : parsed;
}

function namedFile(path: string): NamedFile {
  return {
    path,
    what: "keys file",
    remedy: `let the user that runs the relay read it, or ${EXPORT}`,
  };
}

function nameOf(path: string): string {
  return `keys file ${JSON.stringify(path)}`;
}
