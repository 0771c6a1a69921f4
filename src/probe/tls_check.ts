/** TLS: version, names, end and issuer of the certificate, and the meta certificate. */
import type { CertificateChain } from "../certs/chain.ts";
import { factsOf } from "../certs/chain.ts";
import { isForHostname } from "../certs/names.ts";
import { formatPem } from "../certs/pem.ts";
import type { CertificateFacts } from "../certs/provider.ts";
import { isLoopback } from "../util/ip.ts";
import { type Dial, dialer, plainDialer, withConn } from "./dialer.ts";
import { explainTalk, type Failure } from "./failure.ts";
import { fail, ok, type Row, skipAll, skipped, warn } from "./row.ts";
import { readServedChain, type ServedChain } from "./served_chain.ts";
import type { ProbeContext } from "./target.ts";
import { TlsVersion } from "./tls_client_hello.ts";

const TLS = "TLS";
const NAMES = "certificate names";
const END = "certificate end";
const TRUST = "certificate trust";
const DAY_MS = 24 * 60 * 60 * 1000;
const FEW_DAYS = 14;
/** More names than that are not shown. */
const SHOWN_NAMES = 5;

/** The rows of this family, for when there is no connection. */
export const TLS_CHECKS: readonly string[] = [TLS, NAMES, END, TRUST];

/** How to connect from here on, and how far whoever is there can be trusted. */
export interface Secured {
  /** Undefined where nothing can be connected. */
  readonly dial: Dial | undefined;
  /** Whether the mesh key may be told. */
  readonly isTrusted: boolean;
  /** The relay's key in the meta certificate. */
  readonly metaKey?: string | undefined;
  readonly rows: readonly Row[];
}

/** Checks the relay at `address`. */
export async function checkTls(
  context: ProbeContext,
  address: string,
): Promise<Secured> {
  const { target, budget, caCerts } = context;
  if (!target.isTls) {
    const dial = dialer({ place: target, address, caCerts });
    const why = "plain HTTP; clients need HTTPS, from a proxy in front";
    return {
      dial,
      isTrusted: isLoopback(address),
      rows: [skipped(TLS, why)],
    };
  }
  let served: ServedChain;
  try {
    served = await budget.within((signal) =>
      readServedChain(plainDialer(address, target.port), target.name, signal)
    );
  } catch (error) {
    return refused(explainTalk(error, target));
  }
  if (served.alert !== undefined) return refused(explainAlert(served.alert));
  const { chain, version, metaKey } = served;
  const facts = chain && factsOf(chain);
  const isNamed = chain === undefined || isForHostname(chain[0], target.name);
  const trust = await findTrust(context, { address, chain, isNamed });
  return {
    dial: trust.dial,
    isTrusted: trust.isTrusted && isNamed,
    metaKey,
    rows: [
      versionRow(version),
      ...facts === undefined
        ? skipAll([NAMES, END], "hidden, as the server wants TLS 1.3")
        : [
          namesRow(context, facts, isNamed),
          endRow(facts, budget.clock.date()),
        ],
      trust.row,
    ],
  };
}

function refused(failure: Failure): Secured {
  return {
    dial: undefined,
    isTrusted: false,
    rows: [
      fail(TLS, failure),
      ...skipAll([NAMES, END, TRUST], "there is no TLS"),
    ],
  };
}

function explainAlert(alert: number): Failure {
  return {
    seen: `the TLS server ends the handshake with alert ${alert}`,
    advice: "does it have a certificate for this name?",
  };
}

function versionRow(version: number | undefined): Row {
  if (version === TlsVersion.tls13) return ok(TLS, "TLS 1.3");
  if (version === TlsVersion.tls12) {
    return ok(TLS, "TLS 1.2; with 1.3 clients would connect faster");
  }
  return fail(TLS, {
    seen: "a version older than TLS 1.2",
    advice: "clients need TLS 1.2 or 1.3",
  });
}

function namesRow(
  { target: { name } }: ProbeContext,
  { names }: CertificateFacts,
  isNamed: boolean,
): Row {
  const shown = names.slice(0, SHOWN_NAMES).join(", ") || "none";
  const more = names.length > SHOWN_NAMES ? ", ..." : "";
  return isNamed ? ok(NAMES, shown + more) : fail(NAMES, {
    seen: `${shown}${more}, and not ${name}`,
    advice: `get a certificate for ${name}, or give the name that it has`,
  });
}

/** Exported for its arithmetic. */
export function endRow(
  { notBefore, notAfter }: Pick<CertificateFacts, "notBefore" | "notAfter">,
  now: Date,
): Row {
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  const end = notAfter.toISOString().slice(0, 10);
  if (notBefore > now) {
    return fail(END, {
      seen: `not valid before ${notBefore.toISOString()}`,
      advice: "are the clocks of both machines right?",
    });
  }
  if (notAfter < now) {
    return fail(END, {
      seen: `expired on ${end}`,
      advice: "renew it; its renewal may have failed, see the relay's log",
    });
  }
  // Those that last six days are renewed when two are left.
  const lifetimeDays = (notAfter.getTime() - notBefore.getTime()) / DAY_MS;
  const few = Math.min(FEW_DAYS, lifetimeDays / 4);
  const seen = `${days} days left, until ${end}`;
  const measured = { daysLeft: days };
  return days >= few ? ok(END, seen, measured) : warn(END, {
    seen,
    advice: "renew it; its renewal may have failed, see the relay's log",
    measured,
  });
}

interface Found {
  readonly address: string;
  readonly chain: CertificateChain | undefined;
  readonly isNamed: boolean;
}

interface Trust {
  readonly row: Row;
  readonly dial: Dial | undefined;
  readonly isTrusted: boolean;
}

/** The first way to connect, the most trusted first; a wrong name has a row of its own. */
async function findTrust(context: ProbeContext, found: Found): Promise<Trust> {
  const { target, caCerts } = context;
  const { chain } = found;
  if (target.pin !== undefined) return await tryPin(context, found);
  if (chain && target.local && factsOf(chain).selfSigned) {
    return await tryLocal(context, found, chain);
  }
  const issued = await tryCerts(context, found, caCerts);
  if (!("seen" in issued)) {
    const row = ok(TRUST, "issued by an authority that this machine trusts");
    return { row, dial: issued.dial, isTrusted: true };
  }
  const untrusted = { dial: undefined, isTrusted: false };
  if (chain === undefined) return { ...untrusted, row: fail(TRUST, issued) };
  const anyway = await tryCerts(context, found, chain.map(pemOf));
  if ("seen" in anyway) return { ...untrusted, row: fail(TRUST, anyway) };
  const { dial } = anyway; // to find out what else is wrong
  const { selfSigned, sha256 } = factsOf(chain);
  const failure = selfSigned
    ? {
      seen: "self-signed, and clients trust such a one by its pin alone",
      advice:
        `if the DERP map has that CertName: -cert-name sha256-raw:${sha256}`,
    }
    : issued;
  return { ...untrusted, row: fail(TRUST, failure), dial };
}

/** A relay makes itself such a certificate, for clients that pin it. */
async function tryLocal(
  context: ProbeContext,
  found: Found,
  chain: CertificateChain,
): Promise<Trust> {
  const { address } = found;
  const way = await tryCerts(context, found, chain.map(pemOf));
  if ("seen" in way) {
    return { row: fail(TRUST, way), dial: undefined, isTrusted: false };
  }
  const { sha256 } = factsOf(chain);
  const row = ok(
    TRUST,
    `self-signed; the DERP map needs "CertName": "sha256-raw:${sha256}"`,
  );
  const isHere = isLoopback(address) || context.ownAddresses.has(address);
  return { row, dial: way.dial, isTrusted: isHere };
}

/** As Tailscale's clients do: one certificate besides the meta certificate, and that one. */
async function tryPin(context: ProbeContext, found: Found): Promise<Trust> {
  const { chain } = found;
  const untrusted = { dial: undefined, isTrusted: false };
  if (chain === undefined) {
    return { ...untrusted, row: skipped(TRUST, "the certificate is hidden") };
  }
  const { sha256 } = factsOf(chain);
  const way = await tryCerts(context, found, [pemOf(chain[0])]);
  if ("seen" in way) return { ...untrusted, row: fail(TRUST, way) };
  const { dial } = way;
  if (sha256 !== context.target.pin) {
    const row = fail(TRUST, {
      seen: `another certificate: sha256-raw:${sha256}`,
      advice: "put that into the DERP map, if it is your relay's",
    });
    return { row, dial, isTrusted: false };
  }
  if (chain.length > 1) {
    const row = fail(TRUST, {
      seen: `the pinned certificate and ${chain.length - 1} more`,
      advice: "clients that pin want one alone: serve no chain, or pin nothing",
    });
    return { row, dial, isTrusted: true };
  }
  return { row: ok(TRUST, "the pinned one"), dial, isTrusted: true };
}

/** A way to connect that trusts these, or why there is none. */
async function tryCerts(
  { target, budget }: ProbeContext,
  { address, isNamed }: Found,
  caCerts: string[],
): Promise<{ dial: Dial } | Failure> {
  const anyName = !isNamed;
  const dial = dialer({ place: target, address, caCerts, anyName });
  try {
    await budget.within((signal) =>
      withConn(dial, signal, () => Promise.resolve())
    );
    return { dial };
  } catch (error) {
    return explainTalk(error, target);
  }
}

function pemOf({ bytes }: { bytes: Uint8Array }): string {
  return formatPem("CERTIFICATE", bytes);
}
