/** The last words to every session before the relay stops. */
import { encodeRestarting } from "../derp/messages.ts";
import type { Clock } from "../util/clock.ts";
import type { HealthNotices } from "./health_notices.ts";
import type { Session } from "./session.ts";

/** For what is written to be taken; half a second with the timers' coarseness. */
const FAREWELL_MS = 250;

/** Clients come back so many a second: as many TLS handshakes as a small machine manages. */
const RECONNECTS_PER_MS = 1;
const MIN_SPREAD_MS = 1_000;
const MAX_SPREAD_MS = 10_000;
/** More than a few seconds would be against the protocol: they are for a relay that is back soon. */
const TRY_FOR_MS = 5_000;

/**
 * Tells every session that the relay stops, and waits a little while for that
 * to be written. Clients of today show the Health text until they are connected
 * again and ignore Restarting, as mesh peers do both.
 */
export async function sayFarewell(
  sessions: readonly Session[],
  { clock, notices }: { clock: Clock; notices: HealthNotices },
): Promise<void> {
  if (sessions.length === 0) return;
  const late = Promise.withResolvers<void>();
  const cancel = clock.after(FAREWELL_MS, late.resolve);
  const spreadMs = Math.min(
    MAX_SPREAD_MS,
    Math.max(MIN_SPREAD_MS, sessions.length / RECONNECTS_PER_MS),
  );
  const written = sessions.map((session) => {
    notices.tellStopping(session);
    const reconnectInMs = Math.floor(Math.random() * spreadMs);
    const last = encodeRestarting({ reconnectInMs, tryForMs: TRY_FOR_MS });
    session.writer.sendControl(last);
    return session.writer.drained();
  });
  await Promise.race([Promise.all(written), late.promise]);
  cancel();
}
