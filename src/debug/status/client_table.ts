/** The table of clients: a head with links that sort, one page of rows, and the way to the other pages. */
import type { Client, ClientPage, ClientSession } from "./client_looks.ts";
import { type Markup, markup } from "./markup.ts";
import { type Column, PAGE_ROWS, type StatusQuery } from "./query.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  UNKNOWN,
} from "./units.ts";

const INDEX = "/debug/";

interface Head {
  readonly title: string;
  /** What the title leaves open. */
  readonly hint?: string;
  readonly isNumber?: boolean;
}

/** In the order of the cells below. */
const HEADS: Readonly<Record<Column, Head>> = {
  node: { title: "Node", hint: "Name by its source, and node key" },
  address: { title: "Address" },
  admitted: { title: "Admitted by" },
  home: { title: "Home", hint: "Whether this relay is its home" },
  since: { title: "Connected", isNumber: true },
  in: { title: "In", hint: "From the client, now", isNumber: true },
  out: { title: "Out", hint: "To the client, now", isNumber: true },
  "total-in": {
    title: "In total",
    hint: "From the client, since it connected",
    isNumber: true,
  },
  "total-out": {
    title: "Out total",
    hint: "To the client, since it connected",
    isNumber: true,
  },
  dropped: {
    title: "Dropped",
    hint: "Packets for it that were lost here",
    isNumber: true,
  },
  queue: { title: "Queue", hint: "What waits to be sent", isNumber: true },
};

/** The row of titles. */
export function renderHeads(query: StatusQuery): Markup {
  const heads = Object.entries(HEADS) as [Column, Head][];
  return markup`<tr>${
    heads.map(([column, head]) => renderHead(column, head))
  }</tr>`;

  function renderHead(column: Column, { title, hint, isNumber }: Head): Markup {
    const link = query.sortedBy(column).link(INDEX);
    const direction = query.isAscending ? "ascending" : "descending";
    const sorted = column === query.sort
      ? markup` aria-sort="${direction}"`
      : undefined;
    const kind = isNumber ? markup` class="n"` : undefined;
    return markup`<th scope="col"${kind}${sorted}><a href="${link}" title="${hint}">${title}</a></th>`;
  }
}

/** The identity of a client's row in the page. */
export function rowId({ look: { id } }: Client): string {
  return `c${id}`;
}

/** The row of one client. */
export function renderRow({ session, look }: Client): Markup {
  const { route: { key }, remote, admitted, writer } = session;
  const kind = (look.inRate || look.outRate) ? "" : "idle";
  return markup`<tr class="${kind}"><td class="node" title="${key.toString()}">${
    renderNode(session)
  }</td><td class="address">${remote.ip}</td><td class="by" title="${admitted?.by}">${
    admitted ? shortSource(admitted.by) : UNKNOWN
  }</td><td class="home">${renderRole(session)}</td>${
    number("since", formatDuration(session.ageMs))
  }${number("in", formatRate(look.inRate))}${
    number("out", formatRate(look.outRate))
  }${number("tin", formatBytes(session.receivedBytes))}${
    number("tout", formatBytes(writer.sentBytes))
  }${number("drops", formatCount(writer.droppedPackets))}${
    number("queue", formatBytes(writer.queuedBytes))
  }</tr>`;
}

function renderNode({ admitted, route: { key } }: ClientSession): Markup {
  const short = markup`<code>${key.shortString()}</code>`;
  const name = admitted?.node;
  return name === undefined
    ? short
    : markup`<b title="${name}">${name}</b> ${short}`;
}

/** `tailscaled at "/run/…"` as `tailscaled`; the rest shows when one points there. */
function shortSource(name: string): string {
  return name.replace(/ (at )?".*$/s, "");
}

function renderRole(session: ClientSession): Markup | undefined {
  const { isMeshPeer, isProber, isHome } = session;
  const role = isMeshPeer
    ? "mesh peer"
    : isProber
    ? "prober"
    : isHome
    ? "home"
    : undefined;
  return role && markup`<span class="tag">${role}</span>`;
}

/** What is zero is there, but not in the way. */
function number(name: string, text: string): Markup {
  const zero = /^(0|0 B|0 B\/s|–)$/.test(text) ? " zero" : "";
  return markup`<td class="n ${name}${zero}">${text}</td>`;
}

/** Which part of how many is shown, and the way to the others; nothing where that is all. */
export function renderPager(
  { total, page, pages, clients }: ClientPage,
  query: StatusQuery,
): Markup {
  if (total === 0) return markup`<p class="none">Nobody is connected</p>`;
  if (pages === 1) return markup``;
  const first = (page - 1) * PAGE_ROWS + 1;
  const last = first + clients.length - 1;
  const range = `${formatCount(first)} to ${formatCount(last)} of ${
    formatCount(total)
  }`;
  const link = (to: number, text: string) =>
    to < 1 || to > pages || to === page
      ? markup`<span class="off">${text}</span>`
      : markup`<a href="${query.onPage(to).link(INDEX)}">${text}</a>`;
  return markup`<p class="pager">${link(1, "First")} ${
    link(page - 1, "Previous")
  } <span>${range}</span> ${link(page + 1, "Next")} ${link(pages, "Last")}</p>`;
}
