/** Values in log lines, which may come from anybody. */

/** What ends a line, moves a terminal's cursor, or turns the direction of what follows. */
const CONTROL = /\p{Cc}|[\u2028-\u202e\u2066-\u2069]/gu;

/** Text as it is but for control characters, so that nobody from outside can forge a line; else JSON. */
export function formatValue(value: unknown): string {
  return withoutControl(
    isPlain(value) ? JSON.stringify(value) : String(value),
  );
}

/** The same for JSON: numbers and plain objects stay what they are. */
export function jsonValue(value: unknown): unknown {
  switch (typeof value) {
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    default:
      return value === null || Array.isArray(value) || isPlain(value)
        ? value
        : String(value);
  }
}

/** `text` with its control characters written as JSON has them. */
export function withoutControl(text: string): string {
  return text.replace(
    CONTROL,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Whether it has no text of its own. */
function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null &&
    value.toString === Object.prototype.toString;
}
