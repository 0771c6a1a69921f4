/** A small chart of the last hour as inline SVG: lines without axes, the scale is told beside it. */
import { SAMPLES } from "./history.ts";
import { type Markup, markup } from "./markup.ts";
import type { Ring } from "./ring.ts";
import { UNKNOWN } from "./units.ts";

/** In its own units: one wide for each sample, stretched by the browser. */
const HEIGHT = 100;

/** One chart. */
export interface Chart {
  readonly title: string;
  /** One or two, of the same unit; the first is filled. */
  readonly lines: readonly Line[];
  /** Writes a value of either. */
  readonly format: (value: number) => string;
}

/** One line, and what it is called where there are two. */
export interface Line {
  readonly label: string;
  readonly ring: Ring;
}

/** The chart with its title, the newest values and the largest. */
export function renderChart({ title, lines, format }: Chart): Markup {
  const top = Math.max(0, ...lines.flatMap(({ ring }) => [...ring]));
  const now = lines.map(({ label, ring: { last } }, i) => {
    const value = last === undefined ? UNKNOWN : format(last);
    return markup`<span class="now k${i}"><b>${value}</b> ${label}</span>`;
  });
  const about = `${title}, the last hour; the largest value is ${format(top)}`;
  const drawn = lines.map(({ ring }, i) => renderLine(ring, top, i));
  return markup`<figure><figcaption><h3>${title}</h3>${now}</figcaption>
<svg viewBox="0 0 ${
    SAMPLES - 1
  } ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${about}">${drawn}</svg>
<p class="axis"><span>1 h ago</span><span>max ${
    format(top)
  }</span><span>now</span></p></figure>`;
}

function renderLine(
  ring: Ring,
  top: number,
  index: number,
): Markup | undefined {
  if (ring.size === 0) return undefined;
  const start = SAMPLES - ring.size;
  const points = [...ring].map((value, i) =>
    `${start + i} ${round(HEIGHT - (top > 0 ? value / top : 0) * HEIGHT)}`
  );
  const line = `M${points.join("L")}`;
  const area = index > 0
    ? undefined
    : markup`<path class="area" d="${line}V${HEIGHT}H${start}Z"/>`;
  return markup`${area}<path class="line k${index}" d="${line}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
