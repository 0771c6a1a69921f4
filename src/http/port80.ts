/** The plain-HTTP port: captive portal checks, ACME challenges, and the way to HTTPS for everything else. */
import type { HttpHandler } from "./connection.ts";
import { generate204, type IsOperator } from "./pages.ts";
import { textResponse } from "./response.ts";
import { STATUS_CODE } from "./status.ts";

const CHALLENGE_PATH = "/.well-known/acme-challenge/";

/** What the port has besides. */
export interface Port80Options {
  /** The main port's handler, which serves `/debug` here too, and asks itself who may see it. */
  readonly main?: HttpHandler | undefined;
  /** Whether to send a browser to the pages for operators. */
  readonly isOperator?: IsOperator | undefined;
  /** The answer to an ACME challenge (RFC 8555, 8.3), if there is one with that token; absent where there is no ACME. */
  readonly challenge?: ((token: string) => string | undefined) | undefined;
}

/** The handler of the plain-HTTP port. */
export function plainRoutes(options: Port80Options = {}): HttpHandler {
  const { main, isOperator, challenge } = options;
  return async (request, info) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/generate_204") return generate204(request);
    if (challenge !== undefined && pathname.startsWith(CHALLENGE_PATH)) {
      return answer(challenge(pathname.slice(CHALLENGE_PATH.length)));
    }
    // With whatever behind it, as derper has it.
    if (main !== undefined && pathname.startsWith("/debug")) {
      return await main(request, info);
    }
    const isHome = pathname === "/" && search === "";
    return isHome && await isOperator?.(request, info)
      ? toHttps(request, "/debug/")
      : toHttps(request, pathname + search);
  };
}

function answer(keyAuthorization: string | undefined): Response {
  return keyAuthorization === undefined
    ? textResponse(STATUS_CODE.NotFound, "No such challenge")
    : new Response(keyAuthorization, {
      headers: { "Content-Type": "application/octet-stream" },
    });
}

function toHttps({ method, headers }: Request, target: string): Response {
  if (method !== "GET" && method !== "HEAD") {
    return textResponse(STATUS_CODE.BadRequest, "Use HTTPS");
  }
  // As it came, port and all (derper's way); it has been checked to be a host and nothing else.
  const host = headers.get("Host") ?? "";
  if (host === "") {
    return textResponse(STATUS_CODE.BadRequest, "Use HTTPS");
  }
  const location = `https://${host}${target}`;
  return new Response(null, {
    status: STATUS_CODE.Found,
    headers: { "Location": location },
  });
}
