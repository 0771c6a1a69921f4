/** What browsers, probes and captive portal checks are served. */
import type { HttpHandler, RequestInfo } from "./connection.ts";
import { textResponse } from "./response.ts";
import { STATUS_CODE } from "./status.ts";

/** What `/` is, by flag `-home`. */
export type HomePage =
  | { readonly kind: "default" }
  | { readonly kind: "blank" }
  | { readonly kind: "not-found" }
  /** An operator's own. */
  | { readonly kind: "html"; readonly html: () => string }
  | { readonly kind: "redirect"; readonly url: string };

/** What derper (`tsweb.AddBrowserHeaders`) sends with each page meant for a browser. */
export const BROWSER_HEADERS = {
  "Content-Security-Policy":
    "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'; block-all-mixed-content; object-src 'none'",
  "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
} as const;

/** An operator's own page is one file, and so has its styles, scripts and pictures in it. */
const OWN_PAGE_HEADERS = {
  ...BROWSER_HEADERS,
  "Content-Security-Policy": BROWSER_HEADERS["Content-Security-Policy"].replace(
    "default-src 'self'",
    "default-src 'self' 'unsafe-inline' data:",
  ),
} as const;

const HTML = { "Content-Type": "text/html; charset=utf-8" } as const;

/** A challenge is sent back only if it is this harmless. */
const CHALLENGE = /^[A-Za-z0-9._:-]{1,64}$/;

/** Whether a request comes from who may see the pages for operators. */
export type IsOperator = (
  request: Request,
  info: RequestInfo,
) => Promise<boolean>;

/** The page at `/` and at every path that nothing else is at. */
export function homePage(
  home: HomePage,
  { derp, isOperator }: { derp: boolean; isOperator?: IsOperator | undefined },
): HttpHandler {
  switch (home.kind) {
    case "default": {
      const headers = { ...BROWSER_HEADERS, ...HTML };
      return async (request, info) => {
        const showsDebug = await isOperator?.(request, info) ?? false;
        return new Response(homeHtml(derp, showsDebug), { headers });
      };
    }
    case "blank": {
      const headers = { ...BROWSER_HEADERS, ...HTML };
      return () => new Response(null, { headers });
    }
    case "not-found":
      return () => textResponse(STATUS_CODE.NotFound, "Not found");
    case "html": {
      const headers = { ...OWN_PAGE_HEADERS, ...HTML };
      return () => new Response(home.html(), { headers });
    }
    case "redirect": {
      const headers = { ...BROWSER_HEADERS, "Location": home.url };
      return () => new Response(null, { status: STATUS_CODE.Found, headers });
    }
    default:
      home satisfies never;
      throw new TypeError("Unknown kind of home page");
  }
}

/** Keeps search engines away. */
export function robotsTxt(): Response {
  const headers = {
    ...BROWSER_HEADERS,
    "Content-Type": "text/plain; charset=utf-8",
  };
  return new Response("User-agent: *\nDisallow: /\n", { headers });
}

/** `/derp/probe` and `/derp/latency-check`: how clients without UDP measure latency. */
export function probe({ method }: Request, isHealthy: boolean): Response {
  if (!isHealthy) {
    return textResponse(
      STATUS_CODE.ServiceUnavailable,
      "This relay can't relay at the moment",
    );
  }
  return method === "GET" || method === "HEAD"
    ? new Response(null, { headers: { "Access-Control-Allow-Origin": "*" } })
    : textResponse(STATUS_CODE.MethodNotAllowed, "A probe is a GET or a HEAD");
}

/** `/generate_204`: tells clients that no captive portal is in between. */
export function generate204({ headers }: Request): Response {
  const response = new Response(null, {
    status: STATUS_CODE.NoContent,
    headers: {
      "Cache-Control":
        "no-cache, no-store, must-revalidate, no-transform, max-age=0",
    },
  });
  const challenge = headers.get("X-Tailscale-Challenge") ?? "";
  if (CHALLENGE.test(challenge)) {
    response.headers.set("X-Tailscale-Response", `response ${challenge}`);
  }
  return response;
}

/**
 * Says neither what this server is nor whose: search engines for servers would
 * show open relays to whoever looks for these words.
 */
function homeHtml(derp: boolean, showsDebug: boolean): string {
  const disabled = derp ? "" : `
<p><strong>What it is for is switched off at the moment.</strong></p>`;
  const debug = showsDebug
    ? `
<p>For you as its operator: <a href="/debug/">/debug/</a>.</p>`
    : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>It works</title>
</head>
<body>
<main>
<h1>It works</h1>
<p>This server is up, and has no pages for visitors.</p>${disabled}${debug}
</main>
</body>
</html>
`;
}
