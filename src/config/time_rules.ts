/** The rules for flags that hold a time. */
import type { Mistake } from "./addresses.ts";
import type { Config } from "./config.ts";
import type { Findings } from "./findings.ts";
import { formatGoDuration } from "./go_duration.ts";

/** Linux takes no longer idle time for TCP_KEEPIDLE, and it counts whole seconds. */
const MAX_KEEP_ALIVE_MS = 32_767_000;
/** Linux takes TCP_USER_TIMEOUT as a 32-bit number of milliseconds, timers likewise. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** Longer, and nobody remembers that the relay is about to stop. */
const MAX_DRAIN_MS = 3_600_000;
/** What Go makes of a keep-alive time of 0. */
const GO_KEEP_ALIVE_MS = 15_000;

/** Those of TCP, and that of the end. */
export function times(
  findings: Findings,
): Pick<
  Config,
  "tcpKeepAliveMs" | "tcpUserTimeoutMs" | "tcpWriteTimeoutMs" | "drainMs"
> {
  const { values } = findings;
  const read = (
    flag:
      | "tcp-keepalive-time"
      | "tcp-user-timeout"
      | "tcp-write-timeout"
      | "drain",
    maxMs?: number,
  ) => {
    findings.check(flag, timeMistake(values[flag], maxMs));
    return wholeMs(values[flag]);
  };
  return {
    tcpKeepAliveMs: read("tcp-keepalive-time", MAX_KEEP_ALIVE_MS) ||
      GO_KEEP_ALIVE_MS,
    tcpUserTimeoutMs: read("tcp-user-timeout"),
    tcpWriteTimeoutMs: read("tcp-write-timeout"),
    drainMs: read("drain", MAX_DRAIN_MS),
  };
}

/** What keeps `timeMs` from being a time to wait. */
export function timeMistake(
  timeMs: number,
  maxMs: number = MAX_TIMEOUT_MS,
): Mistake | undefined {
  if (timeMs < 0) return "a time can't be negative";
  return timeMs > maxMs
    ? `it can't be over ${formatGoDuration(maxMs)}`
    : undefined;
}

/** Rounded up: what is little must not become 0, which means something else. */
export function wholeMs(timeMs: number): number {
  return Math.ceil(timeMs);
}
