/** Metrics in Prometheus' text format, as derper writes them at `/debug/varz`. */
import { metricFamilies, type MetricSource } from "./metric_family.ts";

/** The type of the answer that has them. */
export const VARZ_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What names don't say; for what derper has not, or not quite so. */
const HELP: Readonly<Record<string, string>> = {
  derp_bytes_dropped: "Bytes of packets dropped, by reason and kind",
  derp_memstats_sys0: "Resident memory of the process at its start, in bytes",
  derp_packets_dropped: "Packets dropped, by reason and kind",
  derper_certificate_days_left: "Days until the certificate expires",
  derper_healthy: "1 while the relay can relay, else 0",
  derper_verify_admitted: "Clients that a source admitted, also from memory",
  derper_verify_asked: "Questions put to a source",
  derper_verify_cached: "Clients admitted or refused from memory",
  derper_verify_failed: "Questions that a source could not answer",
  derper_verify_last_success_unix_time: "When a source last answered",
  derper_verify_refused: "Clients that a source refused, also from memory",
  derper_verify_seconds: "How long questions to a source took",
  derper_verify_unverified:
    "Clients admitted because the admission controller could not be reached",
  memstats_heap_alloc: "JavaScript heap in use, in bytes",
  memstats_sys: "Resident memory of the process, in bytes",
};

/** The whole page. */
export function renderVarz(
  sources: readonly MetricSource[],
  version: string,
): string {
  const lines: string[] = [];
  for (const { name, type, samples } of metricFamilies(sources)) {
    if (name in HELP) lines.push(`# HELP ${name} ${HELP[name]}`);
    if (type !== undefined) lines.push(`# TYPE ${name} ${type}`);
    for (const { suffix, labels, value } of samples) {
      lines.push(`${name}${suffix}${labels} ${value}`);
    }
  }
  lines.push(`version{version=${JSON.stringify(version)},binary="derper"} 1`);
  return lines.join("\n") + "\n";
}
