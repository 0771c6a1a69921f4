/** Log lines as an operator would see them, kept for a test. */
import {
  type LogOptions,
  startLogging,
  stopLogging,
} from "../../src/log/log.ts";

/** Captures every line from `start()` until it is disposed of; one at a time. */
export class CapturedLog implements AsyncDisposable {
  /** Whole lines, without the line feed at their end. */
  readonly lines: string[] = [];

  static async start(options?: LogOptions): Promise<CapturedLog> {
    const log = new CapturedLog();
    const keep = (line: string) => void log.lines.push(line.replace(/\n$/, ""));
    await startLogging(keep, options);
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
