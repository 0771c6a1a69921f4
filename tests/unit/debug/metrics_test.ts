/** The two pages with all metrics. */
import type { MetricSource } from "../../../src/debug/metric_family.ts";
import { renderVars } from "../../../src/debug/vars.ts";
import { renderVarz } from "../../../src/debug/varz.ts";
import { Histogram } from "../../../src/util/histogram.ts";
import { assertEquals } from "../../support/assert.ts";

function source(values: Record<string, number>): MetricSource {
  return { snapshot: () => values };
}

function histogram(): Record<string, number> {
  const sizes = new Histogram([1, 5]);
  for (const size of [1, 3, 9]) sizes.observe(size);
  return sizes.snapshot("derp_counter_batch_size");
}

const SOURCES = [
  source({
    derp_gauge_watchers: 3,
    derp_accepts: 1,
    'derp_counter_packets_received_kind{kind="disco"}': 4,
    'derp_counter_packets_received_kind{kind="other"}': 5,
    derp_average_queue_duration_ms: 0.25,
    'derp_packets_dropped{reason="queue_head",kind="disco"}': 6,
    'derp_packets_dropped{reason="queue_head",kind="other"}': 7,
    derp_websocket_accepts: 2,
    ...histogram(),
  }),
  source({
    process_start_unix_time: 1_700_000_000,
    gauge_memstats_sys: 8,
    derp_gauge_current_file_descriptors: 9,
    tls_listener_counter_accepted_connections: 10,
    derp_counter_total_count: 11,
  }),
];

Deno.test("renderVarz() takes types from names, as derper does", () => {
  assertEquals(
    renderVarz(SOURCES, '1.2"3'),
    `# TYPE derp_accepts counter
derp_accepts 1
derp_average_queue_duration_ms 0.25
# TYPE derp_batch_size histogram
derp_batch_size_bucket{le="1"} 1
derp_batch_size_bucket{le="5"} 2
derp_batch_size_bucket{le="+Inf"} 3
derp_batch_size_sum 13
derp_batch_size_count 3
# TYPE derp_current_file_descriptors gauge
derp_current_file_descriptors 9
# HELP derp_packets_dropped Packets dropped, by reason and kind
# TYPE derp_packets_dropped counter
derp_packets_dropped{reason="queue_head",kind="disco"} 6
derp_packets_dropped{reason="queue_head",kind="other"} 7
# TYPE derp_packets_received_kind counter
derp_packets_received_kind{kind="disco"} 4
derp_packets_received_kind{kind="other"} 5
# TYPE derp_total_count counter
derp_total_count 11
# TYPE derp_watchers gauge
derp_watchers 3
# TYPE derp_websocket_accepts counter
derp_websocket_accepts 2
# HELP memstats_sys Resident memory of the process, in bytes
# TYPE memstats_sys gauge
memstats_sys 8
process_start_unix_time 1700000000
# TYPE tls_listener_accepted_connections counter
tls_listener_accepted_connections 10
version{version="1.2\\"3",binary="derper"} 1
`,
  );
});

Deno.test("renderVars() nests sets, labels and histograms as Go's expvar does", () => {
  const text = renderVars(SOURCES, "1.2.3");
  assertEquals(JSON.parse(text), {
    derp: {
      accepts: 1,
      average_queue_duration_ms: 0.25,
      counter_batch_size: { "1": 1, "5": 2, "+Inf": 3, sum: 13, count: 3 },
      counter_packets_received_kind: { disco: 4, other: 5 },
      counter_total_count: 11,
      gauge_current_file_descriptors: 9,
      gauge_watchers: 3,
      version: "1.2.3",
    },
    derp_packets_dropped: { queue_head: { disco: 6, other: 7 } },
    derp_websocket_accepts: 2,
    gauge_memstats_sys: 8,
    process_start_unix_time: 1_700_000_000,
    tls_listener: { counter_accepted_connections: 10 },
    version: "1.2.3",
  });
  const names = text.split("\n").map((line) => line.split(":")[0]);
  assertEquals(names.slice(0, 3), ["{", '"derp"', '"derp_packets_dropped"']);
});

Deno.test("renderVars() and renderVarz() tell histograms apart by their labels", () => {
  const sources = ["a", String.raw`b \"c\"`].map((name, i) => {
    const seconds = new Histogram([1]);
    seconds.observe(i);
    const labels = `source="${name}",kind="url"`;
    return source(seconds.snapshot("derper_verify_seconds", labels));
  });
  const { derper_verify_seconds: vars } = JSON.parse(
    renderVars(sources, "1"),
  );
  assertEquals(vars, {
    a: { url: { "1": 1, "+Inf": 1, sum: 0, count: 1 } },
    'b "c"': { url: { "1": 1, "+Inf": 1, sum: 1, count: 1 } },
  });
  assertEquals(
    renderVarz(sources, "1").split("\n")
      .filter((line) => line.includes("derper_verify_seconds")),
    [
      "# HELP derper_verify_seconds How long questions to a source took",
      "# TYPE derper_verify_seconds histogram",
      'derper_verify_seconds_bucket{le="1",source="a",kind="url"} 1',
      'derper_verify_seconds_bucket{le="+Inf",source="a",kind="url"} 1',
      'derper_verify_seconds_sum{source="a",kind="url"} 0',
      'derper_verify_seconds_count{source="a",kind="url"} 1',
      String
        .raw`derper_verify_seconds_bucket{le="1",source="b \"c\"",kind="url"} 1`,
      String
        .raw`derper_verify_seconds_bucket{le="+Inf",source="b \"c\"",kind="url"} 1`,
      String.raw`derper_verify_seconds_sum{source="b \"c\"",kind="url"} 1`,
      String.raw`derper_verify_seconds_count{source="b \"c\"",kind="url"} 1`,
    ],
  );
});
