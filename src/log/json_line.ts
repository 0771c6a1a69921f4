/** Log lines for programs: one JSON object each. */
import type { LogRecord } from "@logtape/logtape";
import { formatValue, jsonValue, withoutControl } from "./value.ts";

/** Time, level, category and message, as in a line of text, and behind them the values that are in the message. */
export function jsonLine(record: LogRecord): string {
  const { timestamp, level, category, properties } = record;
  const values = Object.entries(properties)
    .filter(([, value]) => value !== "") // the end of a line that has none
    .map(([name, value]) => [name, jsonValue(value)]);
  const line = JSON.stringify({
    time: new Date(timestamp).toISOString(),
    level,
    category: category.at(-1) ?? "",
    message: messageOf(record),
    ...values.length > 0 && { values: Object.fromEntries(values) },
  });
  return `${withoutControl(line)}\n`; // JSON allows DEL and U+2028 within a text
}

/** Constant text and values in turn. */
function messageOf({ message }: LogRecord): string {
  return message
    .map((part, i) => i % 2 === 0 ? part : formatValue(part))
    .join("");
}
