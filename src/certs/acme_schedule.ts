/** When to renew a certificate, and when to try again: never early, never all at once, never often. */
import type { RenewalInfo } from "./acme_server.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The part of its lifetime after which a certificate is renewed. */
const RENEW_AFTER = 2 / 3;
/** Relays that got their certificates together renew them within this part of the lifetime. */
const JITTER = 1 / 50;
/** Whatever the server suggests, a tenth of the lifetime is kept for what may go wrong. */
const LATEST = 9 / 10;
/** Two certificates have at least this part of the lifetime, or a day, between them. */
const GAP = 1 / 10;
const MAX_GAP_MS = 24 * HOUR_MS;

const FIRST_RETRY_MS = MINUTE_MS;
const MAX_RETRY_MS = HOUR_MS;
/** At 0, 1, 4, 13 and 40 minutes: within the five failures an hour that Let's Encrypt allows. */
const RETRY_FACTOR = 3;
/** Delays are between 80 and 120 %. */
const RETRY_JITTER = 0.4;

/** How long a certificate is valid. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** When a certificate is to be renewed; `random` is from [0, 1) and stays with the certificate or the window. */
export function renewalTime(
  { notBefore, notAfter }: Validity,
  { info, random }: { info: RenewalInfo | undefined; random: number },
): Date {
  const startMs = notBefore.getTime();
  const lifetimeMs = notAfter.getTime() - startMs;
  if (info === undefined) {
    return new Date(startMs + lifetimeMs * (RENEW_AFTER - JITTER * random));
  }
  const windowMs = info.end.getTime() - info.start.getTime();
  const chosenMs = info.start.getTime() + windowMs * random;
  const earliestMs = startMs + renewalGapMs({ notBefore, notAfter });
  const latestMs = startMs + lifetimeMs * LATEST;
  return new Date(Math.max(earliestMs, Math.min(chosenMs, latestMs)));
}

/** How long after a certificate no other is asked for, even where the server suggests it. */
export function renewalGapMs({ notBefore, notAfter }: Validity): number {
  const lifetimeMs = notAfter.getTime() - notBefore.getTime();
  return Math.max(MINUTE_MS, Math.min(lifetimeMs * GAP, MAX_GAP_MS));
}

/** How long to wait after so many failures in a row; longer where the server wants it. */
export function retryDelayMs(
  failures: number,
  { random, atLeastMs = 0 }: { random: number; atLeastMs?: number | undefined },
): number {
  const baseMs = Math.min(
    FIRST_RETRY_MS * RETRY_FACTOR ** (failures - 1),
    MAX_RETRY_MS,
  );
  return Math.max(
    baseMs * (1 - RETRY_JITTER / 2 + RETRY_JITTER * random),
    atLeastMs,
  );
}
