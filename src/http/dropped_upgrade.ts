/** Tells an operator, once, that a proxy keeps DERP clients from coming through. */
import { logger } from "../log/log.ts";
import { isPublicIp } from "../util/ip.ts";
import type { RequestInfo } from "./connection.ts";
import type { RequestHead } from "./request_head.ts";

const log = logger("http");

const NGINX =
  'nginx needs "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"';

/** Both fields are for one hop only, and proxies leave them out unless they are told otherwise (RFC 9110, 7.6.1). */
export class DroppedUpgrade {
  #hasTold = false;

  /** `/derp` was asked for without an `Upgrade` field; browsers and scanners do that too. */
  missing(
    { method, headers }: Request,
    { remote: { ip }, proxy }: RequestInfo,
  ): void {
    if (this.#hasTold || method !== "GET") return;
    const saysUpgrade = hasUpgrade(headers.get("connection") ?? undefined);
    const agent = headers.get("user-agent") ?? "";
    const isBrowser = agent.startsWith("Mozilla/") &&
      !headers.has("sec-websocket-key");
    const isLikely = saysUpgrade || agent.startsWith("Go-http-client/") ||
      headers.has("sec-websocket-key") || headers.has("via") ||
      proxy !== undefined || !isPublicIp(ip);
    if (isBrowser || !isLikely) return;
    this.#hasTold = true;
    const dropped = saysUpgrade
      ? "Upgrade header"
      : "Upgrade and Connection headers";
    log.warn(
      "a request for /derp from {ip} came without its {dropped}: if it was a DERP client, a proxy in between dropped them, and nobody can connect by way of it; {hint}",
      { ip, dropped, hint: NGINX },
    );
  }

  /** A request to upgrade was served, although its `Connection` field may not say so. */
  upgraded(head: RequestHead, ip: string): void {
    if (this.#hasTold || hasUpgrade(head.header("connection"))) return;
    this.#hasTold = true;
    log.info(
      "a request for /derp from {ip} came without its Connection header: a proxy in between dropped it, which does no harm here, but may on the way; {hint}",
      { ip, hint: NGINX },
    );
  }
}

function hasUpgrade(connection: string | undefined): boolean {
  return connection !== undefined &&
    connection.toLowerCase().split(",").some((token) =>
      token.trim() === "upgrade"
    );
}
