/** The status page as a whole. */
import { renderHeads } from "./client_table.ts";
import { type Markup, markup } from "./markup.ts";
import type { StatusQuery } from "./query.ts";
import type { StatusView } from "./view.ts";

const LINKS = [
  ["varz", "metrics for Prometheus"],
  ["vars", "metrics as JSON"],
  ["traffic", "what each client moves, as JSON lines"],
  ["check", "consistency check"],
] as const;

/** Seconds between two loads where there are no scripts. */
const REFRESH_S = 10;

/** A dot on a ring; in the address, so that nothing has to be loaded for it. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6.5' fill='none' stroke='%234a7' stroke-width='3'/%3E%3Ccircle cx='8' cy='8' r='2.5' fill='%234a7'/%3E%3C/svg%3E";

/** A whole document, useful as it is; the script replaces its parts by newer ones. */
export function renderPage(view: StatusView, query: StatusQuery): string {
  const { parts, rows } = view.now(query);
  const part = (name: keyof typeof parts) =>
    markup`<div id="${name}">${parts[name]}</div>`;
  const { hostname } = view.facts;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<noscript><meta http-equiv="refresh" content="${REFRESH_S}"></noscript>
<title>${hostname} – derper</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="${query.plainLink("/debug/status.css")}">
<script src="${query.plainLink("/debug/status.js")}" defer></script>
</head>
<body data-events="${query.link("/debug/events")}">
<header><h1>${hostname}</h1>${
    part("health")
  }<p id="live">${parts.time}</p></header>
<main>
${part("facts")}
${part("charts")}
${part("sources")}
${part("mesh")}
<h2>Clients <small id="count">${parts.count}</small></h2>
<div class="wide clients"><table><thead>${renderHeads(query)}</thead>
<tbody id="rows">${rows.map(({ row }) => row)}</tbody></table></div>
${part("pager")}
</main>
<footer><ul>${
    LINKS.map(([name, what]) => renderLink(name, what, query))
  }</ul></footer>
</body>
</html>
`.text;
}

function renderLink(name: string, what: string, query: StatusQuery): Markup {
  const path = `/debug/${name}`;
  return markup`<li><a href="${
    query.plainLink(path)
  }">${path}</a> ${what}</li>`;
}
