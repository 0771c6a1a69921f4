/** What is counted of the process as a whole, under the names of derper and of Prometheus' Go library. */
import { cpuUsage } from "node:process";
import type { Clock } from "../util/clock.ts";
import type { Health } from "../util/health.ts";
import type { MetricSource } from "./metric_family.ts";

export interface ProcessMetricsOptions {
  readonly clock: Clock;
  readonly health: Health;
  /** Undefined while there is no certificate; absent where there is no TLS. */
  readonly certificateDaysLeft?: (() => number | undefined) | undefined;
}

/**
 * A value that can't be had here is left out. Of Go's own, `go_*`, goroutines
 * and most of `memstats` have no counterpart in JavaScript.
 */
export class ProcessMetrics implements MetricSource {
  readonly #options: ProcessMetricsOptions;
  readonly #start: Date;
  readonly #startMs: number;
  readonly #startBytes = Deno.memoryUsage().rss;
  readonly #bootSeconds: number | undefined;

  constructor(options: ProcessMetricsOptions) {
    this.#options = options;
    this.#start = options.clock.date();
    this.#startMs = options.clock.nowMs();
    const uptimeSeconds = ifPermitted(Deno.osUptime);
    this.#bootSeconds = uptimeSeconds === undefined
      ? undefined
      : Math.round(this.#start.getTime() / 1000 - uptimeSeconds);
  }

  /** Whole seconds since the start. */
  get uptimeSeconds(): number {
    return Math.floor((this.#options.clock.nowMs() - this.#startMs) / 1000);
  }

  /** Memory of the process. */
  get residentBytes(): number {
    return Deno.memoryUsage().rss;
  }

  snapshot(): Record<string, number> {
    const { health, certificateDaysLeft } = this.#options;
    const { rss, heapUsed } = Deno.memoryUsage();
    const { user, system } = cpuUsage();
    const startMs = this.#start.getTime();
    const descriptors = countDescriptors();
    return known({
      counter_process_cpu_seconds_total: (user + system) / 1e6,
      counter_uptime_sec: this.uptimeSeconds,
      derp_gauge_current_file_descriptors: descriptors,
      derp_gauge_memstats_sys0: this.#startBytes,
      gauge_derper_certificate_days_left: certificateDaysLeft?.(),
      gauge_derper_healthy: health.isHealthy ? 1 : 0,
      gauge_memstats_heap_alloc: heapUsed,
      gauge_memstats_sys: rss,
      gauge_process_open_fds: descriptors,
      gauge_process_resident_memory_bytes: rss,
      gauge_process_start_time_seconds: startMs / 1000,
      node_boot_time_seconds: this.#bootSeconds,
      process_start_unix_time: Math.floor(startMs / 1000),
    });
  }
}

function known(
  values: Record<string, number | undefined>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] =>
      entry[1] !== undefined
    ),
  );
}

/** Deno before 2.7 lets a program with `--allow-read` look at `/proc/self/fd`; later ones ask for everything. */
function countDescriptors(): number | undefined {
  return ifPermitted(() => {
    let count = -1; // the one that reads the directory
    for (const _ of Deno.readDirSync("/proc/self/fd")) count++;
    return count;
  });
}

function ifPermitted<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined; // no permission, or no Linux
  }
}

/** The name of this machine; undefined where the program may not ask for it. */
export function machineName(): string | undefined {
  return ifPermitted(Deno.hostname);
}
