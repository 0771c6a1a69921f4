/** Metrics as JSON in the shape of Go's expvars, as at derper's `/debug/vars`. */
import {
  metricFamilies,
  type MetricFamily,
  type MetricSource,
} from "./metric_family.ts";

type Value = number | string | { [key: string]: Value };

/** The whole page: one line for each metric or set of metrics, sorted by name. */
export function renderVars(
  sources: readonly MetricSource[],
  version: string,
): string {
  const sets: Record<string, Record<string, Value>> = { derp: { version } };
  const all: Record<string, Value> = { version };
  for (const family of metricFamilies(sources)) {
    const { set, key } = family;
    if (set === undefined) all[key] = valueOf(family);
    else (sets[set] ??= {})[key] = valueOf(family);
  }
  for (const [set, values] of Object.entries(sets)) all[set] = sorted(values);
  const lines = Object.entries(sorted(all)).map(([name, value]) =>
    `${JSON.stringify(name)}: ${JSON.stringify(value)}`
  );
  return `{\n${lines.join(",\n")}\n}\n`;
}

function sorted(values: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(values).toSorted(([a], [b]) => a < b ? -1 : 1),
  );
}

/** A number, or an object by label; by several labels, one in the other, the end of a histogram's bucket innermost. */
function valueOf({ samples }: MetricFamily): Value {
  if (samples.length === 1 && samples[0]!.labels === "") {
    return samples[0]!.value;
  }
  const whole: { [key: string]: Value } = {};
  for (const { suffix, labels, value } of samples) {
    const path = [...labels.matchAll(/="((?:[^"\\]|\\.)*)"/g)]
      .map(([, text]) => text!.replace(/\\(["\\])/g, "$1"));
    if (suffix === "_bucket") path.push(path.shift()!);
    else if (suffix !== "") path.push(suffix.slice(1)); // a histogram's sum and count
    const last = path.pop()!;
    let inner = whole;
    for (const step of path) {
      inner = (inner[step] ??= {}) as { [key: string]: Value };
    }
    inner[last] = value;
  }
  return whole;
}
