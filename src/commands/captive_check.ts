/** The captive portal check of Tailscale's clients: plain HTTP on a relay's port 80. */
import { plainDialer } from "../probe/dialer.ts";
import { PORTAL_QUESTION, portalMistake } from "../probe/http_check.ts";
import { httpGet } from "../probe/http_get.ts";
import { formatHostPort } from "../util/ip.ts";

const DEADLINE_MS = 3_000;

/** Whether `host` answers the check as a relay does. Never rejects. */
export async function answersCaptiveCheck(
  host: string,
  port: number,
): Promise<boolean> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    const answer = await httpGet(plainDialer(host, port), deadline, {
      host: formatHostPort(host, port),
      ...PORTAL_QUESTION,
    });
    return portalMistake(answer) === undefined;
  } catch {
    return false;
  }
}
