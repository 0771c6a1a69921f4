/** The pages for operators below `/debug/`, with derper's paths. */
import type { Admission } from "../admission/admission.ts";
import type { HttpHandler } from "../http/connection.ts";
import { BROWSER_HEADERS } from "../http/pages.ts";
import { textResponse } from "../http/response.ts";
import { STATUS_CODE } from "../http/status.ts";
import type { RelayTable } from "../relay/relay_table.ts";
import type { DebugAccess } from "./access.ts";
import type { MetricSource } from "./metric_family.ts";
import { renderTraffic } from "./traffic.ts";
import { renderVars } from "./vars.ts";
import { renderVarz, VARZ_TYPE } from "./varz.ts";

const PLAIN = "text/plain; charset=utf-8";

/** What the pages tell of. */
export interface DebugPagesOptions {
  readonly access: DebugAccess;
  readonly version: string;
  /** Of this machine; undefined where the program may not ask for it. */
  readonly machine: string | undefined;
  /** Flag `-hostname`. */
  readonly hostname: string;
  readonly hasMeshKey: boolean;
  readonly uptimeSeconds: () => number;
  readonly sources: readonly MetricSource[];
  readonly table: RelayTable;
  readonly admission?: Admission | undefined;
}

const LINKS = [
  ["vars", "metrics as JSON"],
  ["varz", "metrics for Prometheus"],
  ["check", "consistency check"],
  ["traffic", "what each client moves"],
] as const;

/** The handler of `/debug` and all below. */
export function debugPages(options: DebugPagesOptions): HttpHandler {
  const { access } = options;
  return async (request, info) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/debug") {
      const headers = { "Location": "/debug/" };
      const status = STATUS_CODE.TemporaryRedirect;
      return new Response(null, { status, headers });
    }
    if (!await access.allows(request, info)) {
      return textResponse(STATUS_CODE.Forbidden, "debug access denied"); // derper's words
    }
    return await page(pathname.slice("/debug/".length), options) ??
      textResponse(STATUS_CODE.NotFound, "Not found");
  };
}

async function page(
  name: string,
  options: DebugPagesOptions,
): Promise<Response | undefined> {
  const { sources, version, table } = options;
  switch (name) {
    case "":
      return ok(indexHtml(options), "text/html; charset=utf-8");
    case "vars": {
      const json = renderVars(sources, version);
      return ok(json, "application/json; charset=utf-8");
    }
    case "varz":
      return ok(renderVarz(sources, version), VARZ_TYPE);
    case "check":
      return await check(options);
    case "traffic":
      return ok(renderTraffic(table), PLAIN);
    default:
      return undefined;
  }
}

function ok(body: string, type: string): Response {
  const headers = { ...BROWSER_HEADERS, "Content-Type": type };
  return new Response(body, { headers });
}

/** As derper's: 200, or 500 with all that is wrong. */
async function check(
  { table, admission }: DebugPagesOptions,
): Promise<Response> {
  const problems = table.checkConsistency();
  const verification = await admission?.check?.();
  if (verification !== undefined) problems.push(verification);
  return problems.length === 0
    ? ok("Consistency check okay\n", PLAIN)
    : textResponse(STATUS_CODE.InternalServerError, problems.join("\n"));
}

function indexHtml(options: DebugPagesOptions): string {
  const facts: [name: string, value: string][] = [
    ["Uptime", duration(options.uptimeSeconds())],
    ["Version", options.version],
    ["Machine", options.machine ?? "unknown"],
    ["TLS hostname", options.hostname],
    ["Mesh key", options.hasMeshKey ? "yes" : "no"],
  ];
  const items = facts.map(([name, value]) =>
    `<li><b>${name}:</b> ${escapeHtml(value)}</li>`
  );
  const links = LINKS.map(([name, what]) =>
    `<li><a href="/debug/${name}">/debug/${name}</a> (${what})</li>`
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>DERP relay: debug</title>
</head>
<body>
<main>
<h1>DERP relay: debug</h1>
<ul>
${[...items, ...links].join("\n")}
</ul>
</main>
</body>
</html>
`;
}

/** As Go writes it: `1h2m3s`. */
function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const parts = [hours && `${hours}h`, minutes && `${minutes % 60}m`];
  return `${parts.filter(Boolean).join("")}${seconds % 60}s`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
