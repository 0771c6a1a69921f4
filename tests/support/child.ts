/** A program beside the test: its output as lines, and its end. */
import { delay, systemClock } from "../../src/util/clock.ts";

const WAIT_MS = 20_000;
const POLL_MS = 20;

/** How a program is run; nothing of the test's environment but PATH reaches it. */
export interface ChildOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Runs until it is disposed of; its standard input ends then, or when the test process does. */
export class Child implements AsyncDisposable {
  /** What it has said on both outputs, line by line. */
  readonly lines: string[] = [];
  readonly #command: string;
  readonly #process: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  #hasEnded = false;

  constructor(command: readonly string[], { env, cwd }: ChildOptions = {}) {
    const [program, ...args] = command;
    this.#command = program!;
    this.#process = new Deno.Command(program!, {
      args,
      ...(cwd !== undefined && { cwd }),
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr, status } = this.#process;
    const ended = status.then(() => this.#hasEnded = true);
    this.#read = Promise.all([
      this.#collect(stdout),
      this.#collect(stderr),
      ended,
    ]);
  }

  /** How many lines there are, to look only at later ones. */
  get mark(): number {
    return this.lines.length;
  }

  /** The lines from `mark` on that match. */
  matching(pattern: RegExp, mark = 0): string[] {
    return this.lines.slice(mark).filter((line) => pattern.test(line));
  }

  /** Waits for a line, from `mark` on, that matches. */
  async line(pattern: RegExp, mark = 0): Promise<RegExpMatchArray> {
    const line = await eventually(() => {
      const line = this.matching(pattern, mark)[0];
      if (line === undefined && this.#hasEnded) {
        throw new Error(`${this.#command} has ended: ${this.#tail(mark)}`);
      }
      return Promise.resolve(line);
    }, () => `${pattern} in ${this.#tail(mark)}`);
    return pattern.exec(line)!;
  }

  /** Tells it something while it runs. */
  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Ends it at once, or as `signal` says, and waits for that. */
  async stop(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    if (!this.#hasEnded) this.#process.kill(signal);
    await this.#read;
    await this.#process.stdin.close().catch(() => {}); // its reader has gone
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #collect(output: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of output.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
    }
    if (rest !== "") this.lines.push(rest);
  }

  #tail(mark: number): string {
    return this.lines.slice(mark).slice(-20).join("\n");
  }
}

/** Asks again and again until there is something; `what` says what was missed. */
export async function eventually<T>(
  find: () => Promise<T | undefined>,
  what: () => string,
): Promise<T> {
  const endMs = systemClock.nowMs() + WAIT_MS;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (systemClock.nowMs() > endMs) throw new Error(`In vain: ${what()}`);
    await delay(systemClock, POLL_MS);
  }
}
