/** The plain-HTTP port: captive portal checks, and the way to HTTPS for everything else. */
import { generate204 } from "./pages.ts";
import { textResponse } from "./response.ts";
import { STATUS_CODE } from "./status.ts";

/** The handler of the plain-HTTP port. */
export function port80(request: Request): Response {
  const { pathname, search } = new URL(request.url);
  if (pathname === "/generate_204") return generate204(request);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return textResponse(STATUS_CODE.BadRequest, "Use HTTPS");
  }
  // As it came, port and all (derper's way); it has been checked to be a host and nothing else.
  const host = request.headers.get("Host") ?? "";
  if (host === "") {
    return textResponse(STATUS_CODE.BadRequest, "Use HTTPS");
  }
  const location = `https://${host}${pathname}${search}`;
  return new Response(null, {
    status: STATUS_CODE.Found,
    headers: { "Location": location },
  });
}
