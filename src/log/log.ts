/** Log lines on stderr, by LogTape. */
import {
  configure,
  getLogger,
  getTextFormatter,
  type Logger,
  type LogRecord,
  reset,
} from "@logtape/logtape";

export type { Logger };

/** The logger of one part of the relay, for example "relay" or "certs". */
export function logger(part: string): Logger {
  return getLogger(["derper", part]);
}

/** Sends every line of level info and above to `write`, one call a line. */
export async function startLogging(
  write: (line: string) => void,
): Promise<void> {
  const format = getTextFormatter({
    timestamp: "rfc3339",
    level: "full",
    category: (category) => category.at(-1) ?? "",
    value: formatValue,
  });
  await configure({
    reset: true,
    sinks: { stderr: (record: LogRecord) => write(format(record)) },
    loggers: [
      { category: "derper", sinks: ["stderr"], lowestLevel: "info" },
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

/** Text as it is but for control characters, so that nobody from outside can forge a line; else JSON. */
function formatValue(value: unknown): string {
  const text = typeof value === "object" && value !== null &&
      value.toString === Object.prototype.toString
    ? JSON.stringify(value)
    : String(value);
  return text.replace(
    /\p{Cc}|[\u2028\u2029]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
