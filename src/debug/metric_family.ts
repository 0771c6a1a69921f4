/** Metrics as both pages that show them need them: by name, with type and samples. */

/**
 * Something that counts. Names are derper's, of its expvars: a leading
 * `gauge_` or `counter_`, behind the name of a set if there is one, is the
 * type and no part of the name.
 */
export interface MetricSource {
  /** A label is written as in Prometheus' text format. */
  snapshot(): Record<string, number>;
}

/** One metric, with all its labels. */
export interface MetricFamily {
  /** derper's set; undefined where it is in none. */
  readonly set: string | undefined;
  /** Within the set, with the type in front. */
  readonly key: string;
  /** As scrapers see it. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram" | undefined;
  readonly samples: Sample[];
}

/** One value; `suffix` is a histogram's, `labels` are with their braces. */
export interface Sample {
  readonly suffix: string;
  readonly labels: string;
  readonly value: number;
}

const SETS = ["derp", "stun", "tls_listener"];

/** Published by themselves although their names look like a set's. */
const OUTSIDE_SETS = new Set([
  "derp_bytes_dropped",
  "derp_packets_dropped",
  "derp_websocket_accepts",
]);

/** derper tells no type of what it asks for only when it is scraped. */
const UNTYPED = new Set([
  "derp_average_queue_duration_ms",
  "derp_rate_limit_per_client_burst_bytes",
  "derp_rate_limit_per_client_bytes_per_second",
  "node_boot_time_seconds",
  "process_start_unix_time",
]);

/** All metrics of `sources`, sorted by the name that scrapers see. */
export function metricFamilies(
  sources: readonly MetricSource[],
): MetricFamily[] {
  const families = new Map<string, MetricFamily>();
  for (const source of sources) {
    for (const [raw, value] of Object.entries(source.snapshot())) {
      const at = raw.indexOf("{");
      const labels = at < 0 ? "" : raw.slice(at);
      const base = at < 0 ? raw : raw.slice(0, at);
      const { id, suffix } = histogramPart(base, labels, families);
      const family = families.get(id) ?? makeFamily(id, suffix !== "");
      families.set(id, family);
      family.samples.push({ suffix, labels, value });
    }
  }
  return [...families.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
}

/** The family that a name belongs to: its buckets come first and make it a histogram's. */
function histogramPart(
  base: string,
  labels: string,
  families: ReadonlyMap<string, MetricFamily>,
): { id: string; suffix: string } {
  const [, id = "", suffix = ""] = /^(.*)(_bucket|_sum|_count)$/.exec(base) ??
    [];
  const isPart = suffix === "_bucket"
    ? labels.startsWith('{le="')
    : families.get(id)?.type === "histogram";
  return isPart ? { id, suffix } : { id: base, suffix: "" };
}

function makeFamily(id: string, isHistogram: boolean): MetricFamily {
  const set = OUTSIDE_SETS.has(id)
    ? undefined
    : SETS.find((name) => id.startsWith(`${name}_`));
  const key = set === undefined ? id : id.slice(set.length + 1);
  const [, type, rest = key] = /^(counter|gauge)_(.*)$/.exec(key) ?? [];
  const name = set === undefined ? rest : `${set}_${rest}`;
  return { set, key, name, type: typeOf(), samples: [] };

  function typeOf(): MetricFamily["type"] {
    if (isHistogram) return "histogram";
    if (type !== undefined) return type as "counter" | "gauge";
    return UNTYPED.has(name) ? undefined : "counter"; // as derper's plain numbers
  }
}
