/** The pages for operators below `/debug/`, with derper's paths. */
import type { Admission } from "../admission/admission.ts";
import type { HttpHandler } from "../http/connection.ts";
import { BROWSER_HEADERS } from "../http/pages.ts";
import { textResponse } from "../http/response.ts";
import { STATUS_CODE } from "../http/status.ts";
import type { RelayTable } from "../relay/relay_table.ts";
import type { DebugAccess } from "./access.ts";
import type { MetricSource } from "./metric_family.ts";
import type { StatusPage } from "./status/status_page.ts";
import { renderTraffic } from "./traffic.ts";
import { renderVars } from "./vars.ts";
import { renderVarz, VARZ_TYPE } from "./varz.ts";

const PLAIN = "text/plain; charset=utf-8";

/** What the pages tell of. */
export interface DebugPagesOptions {
  readonly access: DebugAccess;
  readonly version: string;
  readonly sources: readonly MetricSource[];
  readonly table: RelayTable;
  readonly admission?: Admission | undefined;
  /** `/debug/` itself. */
  readonly status: StatusPage;
}

/** The handler of `/debug` and all below. */
export function debugPages(options: DebugPagesOptions): HttpHandler {
  const { access } = options;
  return async (request, info) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/debug") {
      const headers = { "Location": "/debug/" };
      const status = STATUS_CODE.TemporaryRedirect;
      return new Response(null, { status, headers });
    }
    if (!await access.allows(request, info)) {
      return textResponse(STATUS_CODE.Forbidden, "debug access denied"); // derper's words
    }
    const name = pathname.slice("/debug/".length);
    return options.status.answer(name, searchParams) ??
      await page(name, options) ??
      textResponse(STATUS_CODE.NotFound, "Not found");
  };
}

async function page(
  name: string,
  options: DebugPagesOptions,
): Promise<Response | undefined> {
  const { sources, version, table } = options;
  switch (name) {
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
