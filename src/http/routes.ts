/** The main port: which path is served by what. */
import type { HttpHandler } from "./connection.ts";
import {
  generate204,
  type HomePage,
  homePage,
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
}

/** The handler of the main port, for all that isn't an upgrade. */
export function mainRoutes({ home, derp }: RoutesOptions): HttpHandler {
  const homeHandler = homePage(home, derp);
  return (request, info) => {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/derp":
        return derpWithoutUpgrade(derp);
      case "/derp/probe":
      case "/derp/latency-check":
        return probe(request);
      case "/generate_204":
        return generate204(request);
      case "/robots.txt":
        return robotsTxt();
    }
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
  return pathname === "/bootstrap-dns" || pathname === "/debug" ||
    pathname.startsWith("/debug/");
}
