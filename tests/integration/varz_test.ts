/** The metrics of all parts together against those of derper 1.102.5, and those of the process itself. */
import { ProcessMetrics } from "../../src/debug/process_metrics.ts";
import { renderVarz } from "../../src/debug/varz.ts";
import { BootstrapDns } from "../../src/http/bootstrap_dns.ts";
import { systemResolver } from "../../src/http/system_resolver.ts";
import { ListenerMetrics } from "../../src/net/listener_metrics.ts";
import { RateLimits } from "../../src/relay/rate_limit.ts";
import { RelayMetrics } from "../../src/relay/metrics.ts";
import { StunMetrics } from "../../src/stun/metrics.ts";
import { systemClock } from "../../src/util/clock.ts";
import { Health } from "../../src/util/health.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Names of derper's that ours may lack, and why. */
const MAY_LACK: readonly [RegExp, string][] = [
  [/^go_/, "of Go's runtime"],
  [/^goroutines$/, "of Go's runtime"],
  [
    /^memstats_(total_alloc|mallocs|frees|num_gc|gc_cpu_fraction)$/,
    "V8 doesn't tell of its garbage collector without being traced",
  ],
  [/^derp_tcp_rtt$/, "the runtime tells no round trip times of connections"],
  [
    /^derper_tls_(active|request)_version$/,
    "the runtime doesn't tell a connection's version of TLS",
  ],
  [
    /^process_(max_fds|virtual_memory_bytes|virtual_memory_max_bytes)$/,
    "only in files of /proc that Deno opens with --allow-all alone",
  ],
  [
    /^process_network_(receive|transmit)_bytes_total$/,
    "of the machine and not of the process, and in /proc too",
  ],
  [
    /^(process_open_fds|derp_current_file_descriptors)$/,
    "in /proc/self/fd, which Deno opens with --allow-read alone up to 2.6",
  ],
];

/** By family, the type and the labels of all samples, without values. */
function families(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const histograms = new Set<string>();
  for (const line of text.trim().split("\n")) {
    const [, typed, type = ""] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (typed !== undefined) {
      found.set(typed, [type]);
      if (type === "histogram") histograms.add(typed);
    }
    if (line.startsWith("#")) continue;
    const [, name = "", labels = ""] = /^([a-z0-9_]+)(\{.*\})?/.exec(line) ??
      [];
    const base = name.replace(/_(bucket|sum|count)$/, "");
    const family = histograms.has(base) ? base : name;
    const samples = found.get(family) ?? ["untyped"];
    found.set(family, samples);
    samples.push(name + labels.replace(/version="[^"]*"/, 'version="…"'));
  }
  return found;
}

async function allMetrics(): Promise<string> {
  const clock = new FakeClock();
  const relay = new RelayMetrics();
  relay.rateLimits = new RateLimits(clock);
  const bootstrapDns = new BootstrapDns({
    published: [],
    unpublished: [],
    clock,
    resolver: systemResolver(), // isn't asked: there is no name
  });
  const process = new ProcessMetrics({ clock, health: new Health() });
  const text = renderVarz([
    relay,
    new StunMetrics(),
    new ListenerMetrics(),
    bootstrapDns,
    process,
  ], "1.2.3");
  await bootstrapDns.close();
  return text;
}

Deno.test("renderVarz() has all of derper's names with its types and labels, but for a few", async () => {
  const golden = new URL("../golden/derper_varz.txt", import.meta.url);
  const theirs = families(await Deno.readTextFile(golden));
  const ours = families(await allMetrics());
  assert(theirs.size > 100);
  for (const [name, [type, ...samples]] of theirs) {
    const reason = MAY_LACK.find(([pattern]) => pattern.test(name));
    const [ourType, ...ourSamples] = ours.get(name) ?? [];
    if (ourType === undefined && reason !== undefined) continue;
    assertEquals(ourType, type, name);
    const missing = samples.filter((sample) => !ourSamples.includes(sample));
    assertEquals(missing, [], name);
  }
});

Deno.test("renderVarz() has few names that derper has not", async () => {
  const golden = new URL("../golden/derper_varz.txt", import.meta.url);
  const theirs = families(await Deno.readTextFile(golden));
  const ours = families(await allMetrics());
  const added = [...ours.keys()].filter((name) => !theirs.has(name));
  assertEquals(added, ["derper_healthy"]);
});

Deno.test("renderVarz() is Prometheus' text format: each family in one piece, no sample twice", async () => {
  const lines = (await allMetrics()).trim().split("\n");
  const samples = lines.filter((line) => !line.startsWith("#"));
  for (const sample of samples) {
    assert(
      /^[a-z_][a-z0-9_]*(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?[0-9.e+]+$/
        .test(sample),
      sample,
    );
  }
  const names = samples.map((sample) => sample.slice(0, sample.indexOf(" ")));
  assertEquals(new Set(names).size, names.length);
  const typed = lines.filter((line) => line.startsWith("# TYPE"))
    .map((line) => line.split(" ")[2]);
  assertEquals(new Set(typed).size, typed.length);
  assertEquals(typed, typed.toSorted());
});

Deno.test("ProcessMetrics tells of this process", async () => {
  const clock = new FakeClock();
  const health = new Health();
  let days: number | undefined = 30;
  const certificateDaysLeft = () => days;
  const metrics = new ProcessMetrics({ clock, health, certificateDaysLeft });
  const before = metrics.snapshot();
  const held = new Uint8Array(64 << 20).fill(1); // so that there is something to see
  const text = Array.from({ length: 100_000 }, (_, i) => `text ${i}`);
  using _file = await Deno.open(new URL(import.meta.url));
  health.report("listener", "down");
  await clock.advance(5_000);
  const after = metrics.snapshot();
  const moved = (name: string) => after[name]! - before[name]!;
  assertEquals(moved("counter_uptime_sec"), 5);
  assertEquals(metrics.uptimeSeconds, 5);
  assertEquals(moved("gauge_derper_healthy"), -1);
  assert(moved("counter_process_cpu_seconds_total") > 0);
  assert(moved("gauge_process_resident_memory_bytes") > held.length / 2);
  assert(moved("gauge_memstats_sys") > held.length / 2);
  assert(moved("gauge_memstats_heap_alloc") > text.length);
  assertEquals(after.derp_gauge_memstats_sys0, before.derp_gauge_memstats_sys0);
  assert(before.derp_gauge_memstats_sys0! > 10 << 20);
  if (before.gauge_process_open_fds !== undefined) {
    assertEquals(moved("gauge_process_open_fds"), 1);
    assertEquals(moved("derp_gauge_current_file_descriptors"), 1);
  }
  assertEquals(after.gauge_derper_certificate_days_left, 30);
  days = undefined;
  assert(!("gauge_derper_certificate_days_left" in metrics.snapshot()));
  const startSeconds = Date.parse("2026-01-02T03:04:05Z") / 1000;
  assertEquals(after.process_start_unix_time, startSeconds);
  assertEquals(after.gauge_process_start_time_seconds, startSeconds);
});

Deno.test("ProcessMetrics tells when the machine has started", () => {
  const health = new Health();
  const metrics = new ProcessMetrics({ clock: systemClock, health });
  const { node_boot_time_seconds: bootSeconds } = metrics.snapshot();
  const agoSeconds = Date.now() / 1000 - bootSeconds!;
  assert(Math.abs(agoSeconds - Deno.osUptime()) < 5, String(agoSeconds));
});
