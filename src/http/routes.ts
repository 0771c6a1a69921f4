/** The main port: which path is served by what. */
import type { HttpHandler } from "./connection.ts";
import { DroppedUpgrade } from "./dropped_upgrade.ts";
import {
  generate204,
  type HomePage,
  homePage,
  type IsOperator,
  probe,
  robotsTxt,
} from "./pages.ts";
import { textResponse } from "./response.ts";
import { STATUS_CODE } from "./status.ts";

/** What the main port has. */
export interface RoutesOptions {
  readonly home: HomePage;
  /** Flag `-derp`. */
  readonly derp: boolean;
  /** `/bootstrap-dns`; absent: there is no such page. */
  readonly bootstrapDns?: HttpHandler | undefined;
  /** `/debug` and all below; it asks itself who may see it. */
  readonly debug?: HttpHandler | undefined;
  /** Whether to show the way to `/debug/` on the home page. */
  readonly isOperator?: IsOperator | undefined;
  /** While it says no, probes are told so; absent: all is well. */
  readonly isHealthy?: (() => boolean) | undefined;
}

/** The handler of the main port, for all that isn't an upgrade. */
export function mainRoutes(options: RoutesOptions): HttpHandler {
  const { home, derp, bootstrapDns, debug, isOperator, isHealthy } = options;
  const droppedUpgrade = new DroppedUpgrade();
  const homeHandler = homePage(home, { derp, isOperator });
  return (request, info) => {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/derp":
        if (derp) droppedUpgrade.missing(request, info);
        return derpWithoutUpgrade(derp);
      case "/derp/probe":
      case "/derp/latency-check":
        return probe(request, isHealthy?.() ?? true);
      case "/generate_204":
        return generate204(request);
      case "/robots.txt":
        return robotsTxt();
      case "/bootstrap-dns":
        if (bootstrapDns) return bootstrapDns(request, info);
    }
    if (debug !== undefined && isDebug(pathname)) return debug(request, info);
    // As with derper, every other path is the home page; but what it has and we don't must not look so.
    return isAbsent(pathname)
      ? textResponse(STATUS_CODE.NotFound, "Not found")
      : homeHandler(request, info);
  };
}

function derpWithoutUpgrade(derp: boolean): Response {
  return derp
    ? textResponse(
      STATUS_CODE.UpgradeRequired,
      "Only for DERP clients: they upgrade the connection",
    )
    : textResponse(STATUS_CODE.NotFound, "derp server disabled");
}

function isAbsent(pathname: string): boolean {
  return pathname === "/bootstrap-dns" || isDebug(pathname);
}

function isDebug(pathname: string): boolean {
  return pathname === "/debug" || pathname.startsWith("/debug/");
}
