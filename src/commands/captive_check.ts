/** The captive portal check of Tailscale's clients: plain HTTP on a relay's port 80. */
import { plainDialer, withConn } from "../probe/dialer.ts";
import { httpGet } from "../probe/http_get.ts";
import { formatHostPort } from "../util/ip.ts";

const DEADLINE_MS = 3_000;
const CHALLENGE = "derper-derpmap";

/** Whether `host` answers the check as a relay does. Never rejects. */
export async function answersCaptiveCheck(
  host: string,
  port: number,
): Promise<boolean> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    const { status, headers } = await withConn(
      plainDialer(host, port),
      deadline,
      (conn) =>
        httpGet(conn, {
          host: formatHostPort(host, port),
          path: "/generate_204",
          headers: { "X-Tailscale-Challenge": CHALLENGE },
        }),
    );
    return status === 204 &&
      headers.get("x-tailscale-response") === `response ${CHALLENGE}`;
  } catch {
    return false;
  }
}
