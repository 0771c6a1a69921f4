/** The parts of the status page besides the clients. */
import type { SourceStatus } from "../../admission/asked_source.ts";
import type { Clock } from "../../util/clock.ts";
import { counted } from "../../util/counted.ts";
import { type Chart, renderChart } from "./chart.ts";
import type {
  CertificateFacts,
  MeshLinkFacts,
  StatusFacts,
  StunFacts,
} from "./facts.ts";
import type { History } from "./history.ts";
import { type Markup, markup } from "./markup.ts";
import {
  formatCount,
  formatDay,
  formatDuration,
  formatMs,
  formatPerSecond,
  formatRate,
  UNKNOWN,
} from "./units.ts";

/** From here on the days that are left stand out; as in the log. */
const WARN_DAYS = 14;

/** Whether the relay can relay, and if not, why: what `readyz` says. */
export function renderHealth({ problems }: StatusFacts): Markup {
  const all = problems();
  if (all.length === 0) return markup`<p class="ok">Ready</p>`;
  const items = all.map((problem) => markup`<li>${problem}</li>`);
  return markup`<p class="bad">Not ready</p><ul>${items}</ul>`;
}

/** What doesn't change often. */
export function renderFacts(facts: StatusFacts): Markup {
  const { certificate, verification, version, machine } = facts;
  const uptime = formatDuration(facts.uptimeSeconds() * 1000);
  const memory = `${Math.round(facts.memoryBytes() / 1e6)} MB of memory`;
  const mesh = facts.hasMeshKey ? ", has a mesh key" : "";
  return markup`<dl>${fact("Certificate", renderCertificate(certificate?.()))}${
    fact("Clients verified by", renderVerification(verification?.()))
  }${fact("STUN answers", renderStun(facts.stun))}${
    fact("Running for", markup`${uptime} <small>${memory}</small>`)
  }${
    fact(
      "Version",
      markup`${version} <small>on ${machine ?? "unknown"}${mesh}</small>`,
    )
  }</dl>`;
}

function fact(name: string, value: Markup): Markup {
  return markup`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function renderCertificate(facts: CertificateFacts | undefined): Markup {
  if (facts === undefined) return markup`none <small>plain HTTP</small>`;
  const { served, problem } = facts;
  const trouble = problem && markup`<small class="bad">${problem}</small>`;
  if (served === undefined) {
    return markup`<span class="bad">none yet</span> ${trouble}`;
  }
  const { daysLeft, notAfter, names, selfSigned } = served;
  const kind = daysLeft < 0 ? "bad" : daysLeft <= WARN_DAYS ? "warn" : "ok";
  const left = `${formatCount(daysLeft)} ${
    daysLeft === 1 ? "day" : "days"
  } left`;
  const what = `until ${formatDay(notAfter)}, for ${names.join(", ")}${
    selfSigned ? ", self-signed" : ""
  }`;
  return markup`<span class="${kind}">${
    daysLeft < 0 ? "expired" : left
  }</span> <small>${what}</small> ${trouble}`;
}

function renderVerification(
  sources: readonly SourceStatus[] | undefined,
): Markup {
  if (sources === undefined) {
    return markup`<span class="warn">nobody</span> <small>open to all</small>`;
  }
  const failing = sources.filter((source) => source.lastError !== undefined);
  const all = counted(sources.length, "source");
  const trouble = failing.length > 0 &&
    markup`<small class="bad">${failing.length} with a problem</small>`;
  return markup`${all} ${trouble || undefined}`;
}

function renderStun(stun: StunFacts): Markup {
  const { successes, ipv4, ipv6, unhealthy } = stun;
  const asked = `asked ${formatCount(ipv4)} × by IPv4, ${
    formatCount(ipv6)
  } × by IPv6`;
  const silent = unhealthy > 0 &&
    markup`<small class="warn">${
      formatCount(unhealthy)
    } not answered while not ready</small>`;
  return markup`${formatCount(successes)} <small>${asked}</small>${
    silent || undefined
  }`;
}

/** The last hour. */
export function renderCharts({ series }: History): Markup {
  const charts: Chart[] = [
    {
      title: "Connections",
      lines: [
        { label: "now", ring: series.connections },
        { label: "at home", ring: series.homes },
      ],
      format: formatCount,
    },
    {
      title: "Traffic",
      lines: [
        { label: "in", ring: series.receivedBytes },
        { label: "out", ring: series.sentBytes },
      ],
      format: formatRate,
    },
    {
      title: "Packets dropped",
      lines: [{ label: "", ring: series.droppedPackets }],
      format: formatPerSecond,
    },
    {
      title: "STUN answers",
      lines: [{ label: "", ring: series.stunAnswers }],
      format: formatPerSecond,
    },
  ];
  return markup`${charts.map(renderChart)}`;
}

/** The sources of verdicts; nothing where nobody is verified. */
export function renderSources(
  sources: readonly SourceStatus[] | undefined,
  clock: Clock,
): Markup {
  if (sources === undefined) return markup``;
  const rows = sources.map((source) =>
    markup`<tr><td>${source.name}</td><td>${SOURCE_STATES[source.state]}</td>${
      since(source.since, clock)
    }${number(source.asked)}${number(source.admitted)}${
      number(source.refused)
    }${number(source.failed)}<td>${source.lastError}</td></tr>`
  );
  return table(
    "Verification",
    [
      "Source",
      "State",
      "#For",
      "#Asked",
      "#Admitted",
      "#Refused",
      "#Failed",
      "Problem",
    ],
    rows,
  );
}

const SOURCE_STATES: Readonly<Record<SourceStatus["state"], Markup>> = {
  up: markup`<span class="ok">answers</span>`,
  down: markup`<span class="bad">fails</span>`,
  unknown: markup`not asked yet`,
};

/** The links of the mesh; nothing where there are none. */
export function renderMesh(
  links: readonly MeshLinkFacts[],
  clock: Clock,
): Markup {
  if (links.length === 0) return markup``;
  const rows = links.map((link) =>
    markup`<tr><td>${link.host}</td><td>${LINK_STATES[link.state]}</td>${
      since(link.since, clock)
    }<td class="n">${formatMs(link.roundTripMs)}</td><td class="n">${
      link.state === "linked" ? formatCount(link.clients) : UNKNOWN
    }</td><td>${link.lastError}</td></tr>`
  );
  return table(
    "Mesh",
    ["Relay", "Link", "#For", "#Round trip", "#Clients there", "Problem"],
    rows,
  );
}

const LINK_STATES: Readonly<Record<MeshLinkFacts["state"], Markup>> = {
  linked: markup`<span class="ok">linked</span>`,
  down: markup`<span class="bad">down</span>`,
  connecting: markup`connecting`,
  self: markup`this relay itself`,
};

/** Titles of columns of numbers begin with "#". */
function table(
  title: string,
  heads: readonly string[],
  rows: readonly Markup[],
): Markup {
  const titles = heads.map((head) =>
    head.startsWith("#")
      ? markup`<th scope="col" class="n">${head.slice(1)}</th>`
      : markup`<th scope="col">${head}</th>`
  );
  return markup`<h2>${title}</h2><div class="wide"><table><thead><tr>${titles}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function since(date: Date, clock: Clock): Markup {
  const ms = clock.date().getTime() - date.getTime();
  return markup`<td class="n">${formatDuration(ms)}</td>`;
}

function number(value: number): Markup {
  return markup`<td class="n">${formatCount(value)}</td>`;
}
