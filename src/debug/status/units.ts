/** Numbers, times and sizes as an operator reads them, as short as they can be. */

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const THIN_SPACE = "\u202f";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Shown where a value isn't known. */
export const UNKNOWN = "–";

/** `1234567` as `1 234 567`, with narrow spaces. */
export function formatCount(value: number): string {
  return `${Math.round(value)}`.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
}

/** Bytes by powers of 1000 with three digits: `1.23 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be written as 1000.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

/** Bytes per second; undefined is unknown. */
export function formatRate(bytesPerSecond: number | undefined): string {
  return bytesPerSecond === undefined
    ? UNKNOWN
    : `${formatBytes(bytesPerSecond)}/s`;
}

/** Events per second, with one decimal where there are few. */
export function formatPerSecond(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95
    ? `${perSecond.toFixed(1)}/s`
    : `${formatCount(perSecond)}/s`;
}

/** The two largest units: `3d 4h`, `5h 12m`, `42m`, `7s`. */
export function formatDuration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / 1000))}s`;
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor(ms / HOUR_MS);
  const minutes = Math.floor(ms / MINUTE_MS) % 60;
  if (days > 0) return `${days}d ${hours % 24}h`;
  return hours > 0 ? `${hours}h ${minutes}m` : `${minutes}m`;
}

/** A round-trip time. */
export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return UNKNOWN;
  return `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** `2026-01-02`, in UTC. */
export function formatDay(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** `03:04:05 UTC`. */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(11, 19)} UTC`;
}
