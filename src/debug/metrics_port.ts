/** The port of `-metrics-addr`: for whoever scrapes metrics, and whoever restarts or routes by health. */
import type { HttpHandler } from "../http/connection.ts";
import { textResponse } from "../http/response.ts";
import { STATUS_CODE } from "../http/status.ts";
import type { Health } from "../util/health.ts";
import type { MetricSource } from "./metric_family.ts";
import { renderVarz, VARZ_TYPE } from "./varz.ts";

export interface MetricsPortOptions {
  readonly sources: readonly MetricSource[];
  readonly version: string;
  readonly health: Health;
}

/** The handler of that port; who reaches it may see it all. */
export function metricsPort(
  { sources, version, health }: MetricsPortOptions,
): HttpHandler {
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return textResponse(STATUS_CODE.MethodNotAllowed, "Only GET and HEAD");
    }
    switch (new URL(request.url).pathname) {
      case "/metrics": {
        const headers = { "Content-Type": VARZ_TYPE };
        return new Response(renderVarz(sources, version), { headers });
      }
      case "/healthz":
        return textResponse(STATUS_CODE.OK, "up");
      case "/readyz":
        return health.isHealthy
          ? textResponse(STATUS_CODE.OK, "ready")
          : textResponse(
            STATUS_CODE.ServiceUnavailable,
            health.problems.join("\n"),
          );
      default:
        return textResponse(
          STATUS_CODE.NotFound,
          "Not found; there are /metrics, /healthz and /readyz",
        );
    }
  };
}
