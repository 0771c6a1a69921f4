/** Log lines as an operator would see them, kept for a test. */
import { startLogging, stopLogging } from "../../src/log/log.ts";

/** Captures every line from `start()` until it is disposed of; one at a time. */
export class CapturedLog implements AsyncDisposable {
  /** Whole lines, without the line feed at their end. */
  readonly lines: string[] = [];

  static async start(): Promise<CapturedLog> {
    const log = new CapturedLog();
    await startLogging((line) => log.lines.push(line.replace(/\n$/, "")));
    return log;
  }

  /** The lines that contain `text`. */
  matching(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopLogging();
  }
}
