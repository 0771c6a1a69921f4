/** Log lines, by LogTape. */
import {
  configure,
  getLogger,
  getTextFormatter,
  type Logger,
  type LogRecord,
  reset,
} from "@logtape/logtape";
import { jsonLine } from "./json_line.ts";
import { formatValue } from "./value.ts";

export type { Logger };

/** The lowest level that is written. */
export type LogLevel = "debug" | "info" | "warning" | "error";
/** For people, or one JSON object a line for programs. */
export type LogFormat = "text" | "json";

/** Which lines there are, and what they look like. */
export interface LogOptions {
  readonly level?: LogLevel | undefined;
  readonly format?: LogFormat | undefined;
}

/** The logger of one part of the relay, for example "relay" or "certs". */
export function logger(part: string): Logger {
  return getLogger(["derper", part]);
}

/** Sends every line to `write`, one call a line, with its line feed. */
export async function startLogging(
  write: (line: string) => void,
  { level = "info", format = "text" }: LogOptions = {},
): Promise<void> {
  const toLine = format === "json" ? jsonLine : textLine();
  await configure({
    reset: true,
    sinks: { stderr: (record: LogRecord) => write(toLine(record)) },
    loggers: [
      { category: "derper", sinks: ["stderr"], lowestLevel: level },
      {
        category: ["logtape", "meta"],
        sinks: ["stderr"],
        lowestLevel: "error",
      },
    ],
  });
}

/** Ends logging; for tests, which start it anew. */
export async function stopLogging(): Promise<void> {
  await reset();
}

function textLine(): (record: LogRecord) => string {
  return getTextFormatter({
    timestamp: "rfc3339",
    level: "full",
    category: (category) => category.at(-1) ?? "",
    value: formatValue,
  });
}
