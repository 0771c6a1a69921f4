/** Says in good time that the served certificate expires, and that it has. */
import { logger } from "../log/log.ts";
import type { Cancel, Clock } from "../util/clock.ts";
import type { CertificateSource, ServedCertificate } from "./provider.ts";

const log = logger("certs");

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
/** From here on there is a line a day. */
const WARN_MS = 14 * DAY_MS;
/** But of a certificate for a few days not before this part of its life: it is renewed at a third. */
const WARN_PART = 1 / 4;
/** Clients' users are told later: by then the operator has had his warnings and has done nothing. */
const TELL_MS = 7 * DAY_MS;
const TELL_PART = 1 / 8;

/** What is watched. */
export interface ExpiryWatchOptions {
  readonly source: Pick<CertificateSource, "current">;
  /** What an operator has to do, for example "renew it". */
  readonly remedy: string;
  readonly clock: Clock;
  /** Told that the certificate has expired, and undefined when there is a valid one again. */
  readonly report?: ((problem: string | undefined) => void) | undefined;
  /** Told what clients' users should know, in time, and undefined where there is nothing. */
  readonly tell?: ((text: string | undefined) => void) | undefined;
}

/** Looks every hour and at the very moment; one line a day. */
export class ExpiryWatch {
  readonly #options: ExpiryWatchOptions;
  #cancel: Cancel = () => {};
  /** The last line: of which certificate, whether it said "expired", and when. */
  #told:
    | { certificate: ServedCertificate; hasExpired: boolean; ms: number }
    | undefined;

  constructor(options: ExpiryWatchOptions) {
    this.#options = options;
  }

  /** Whole days until the served certificate expires, negative after that; undefined without one. */
  get daysLeft(): number | undefined {
    const { source, clock } = this.#options;
    return source.current?.daysLeft(clock.date());
  }

  /** Looks now and from now on; to be called again for a new certificate. */
  start(): void {
    this.#cancel();
    const { source: { current }, clock } = this.#options;
    let nextMs = HOUR_MS;
    if (current !== undefined) {
      const leftMs = current.facts.notAfter.getTime() - clock.date().getTime();
      this.#look(current, leftMs);
      // It is valid in the very moment of notAfter (RFC 5280, 4.1.2.5).
      if (leftMs >= 0) nextMs = Math.min(HOUR_MS, leftMs + 1);
    }
    this.#cancel = clock.after(nextMs, () => this.start());
  }

  /** Ends the watch. */
  close(): void {
    this.#cancel();
  }

  #look(certificate: ServedCertificate, leftMs: number): void {
    const { clock, report, tell } = this.#options;
    const { notBefore, notAfter } = certificate.facts;
    const hasExpired = leftMs < 0;
    report?.(
      hasExpired
        ? `the certificate expired on ${notAfter.toISOString()}`
        : undefined,
    );
    const lifeMs = notAfter.getTime() - notBefore.getTime();
    tell?.(
      leftMs <= Math.min(TELL_MS, lifeMs * TELL_PART)
        ? textForClients(notAfter, hasExpired)
        : undefined,
    );
    if (leftMs > Math.min(WARN_MS, lifeMs * WARN_PART)) return;
    const nowMs = clock.nowMs();
    if (
      this.#told?.certificate === certificate &&
      this.#told.hasExpired === hasExpired && nowMs - this.#told.ms < DAY_MS
    ) return;
    this.#told = { certificate, hasExpired, ms: nowMs };
    this.#log(certificate);
  }

  #log({ facts: { notAfter } }: ServedCertificate): void {
    const { remedy } = this.#options;
    const date = notAfter.toISOString();
    const days = this.daysLeft ?? 0;
    if (days < 0) {
      log.error(
        "the certificate expired on {date}, clients don't accept it any more: {remedy}",
        { date, remedy },
      );
    } else {
      log.warn(
        "the certificate expires in {days} days, on {date}: {remedy}",
        { days, date, remedy },
      );
    }
  }
}

/** Without the days that are left, so that it stays the same from day to day. */
function textForClients(notAfter: Date, hasExpired: boolean): string {
  const verb = hasExpired ? "expired" : "expires";
  return `its certificate ${verb} on ${notAfter.toISOString().slice(0, 10)}`;
}
