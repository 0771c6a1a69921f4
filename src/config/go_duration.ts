/** Durations as Go's flags read and print them, for example `15s` or `10m0s`. */

const NS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["\u00b5s", 1e3], // micro sign
  ["\u03bcs", 1e3], // Greek letter mu
  ["ms", 1e6],
  ["s", 1e9],
  ["m", 60e9],
  ["h", 3600e9],
]);

const PART = "(\\d+(?:\\.\\d*)?|\\.\\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)";
const WHOLE = new RegExp(`^[+-]?(?:${PART})+$`);

/** Go counts nanoseconds in 64 bits. */
const LIMIT_NS = 2 ** 63;

/** The milliseconds (perhaps a fraction) of Go's `text`, or undefined where Go refuses it. */
export function parseGoDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0; // the one number that needs no unit
  if (!WHOLE.test(text)) return undefined;
  let ns = 0;
  for (const [, amount, unit] of text.matchAll(new RegExp(PART, "g"))) {
    ns += Number(amount) * NS_PER_UNIT.get(unit!)!;
  }
  if (ns >= LIMIT_NS) return undefined;
  return text.startsWith("-") ? -ns / 1e6 : ns / 1e6;
}

/** `durationMs` in Go's format: the largest unit that fits below a second, hours, minutes and seconds above. */
export function formatGoDuration(durationMs: number): string {
  const ns = Math.round(Math.abs(durationMs) * 1e6);
  const sign = durationMs < 0 && ns > 0 ? "-" : "";
  if (ns === 0) return "0s";
  if (ns < 1e3) return `${sign}${ns}ns`;
  if (ns < 1e6) return `${sign}${ns / 1e3}\u00b5s`;
  if (ns < 1e9) return `${sign}${ns / 1e6}ms`;
  const minutes = Math.floor(ns / 60e9);
  const seconds = `${(ns - minutes * 60e9) / 1e9}s`;
  if (minutes === 0) return sign + seconds;
  if (minutes < 60) return `${sign}${minutes}m${seconds}`;
  return `${sign}${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}
