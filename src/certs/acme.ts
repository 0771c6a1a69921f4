/** `-certmode letsencrypt` and `gcp`: a certificate by ACME that renews itself. */
import { logger } from "../log/log.ts";
import type { NodePublic } from "../keys/node_key.ts";
import { type Clock, delay, systemClock } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import {
  type AcmeCertificate,
  parseAcmeCertificate,
} from "./acme_certificate.ts";
import { makeEcKey, toPkcs8 } from "./acme_key.ts";
import { type ExternalAccount, LibraryAcmeServer } from "./acme_library.ts";
import { AcmePlan, type Held } from "./acme_plan.ts";
import { AcmeError, type AcmeServer } from "./acme_server.ts";
import { AcmeStore } from "./acme_store.ts";
import type { CertificateSource, ServedCertificate } from "./provider.ts";

const log = logger("certs");

/** Whom to ask for what. */
export interface AcmeOptions {
  readonly certDir: string;
  /** DNS name or IP address. */
  readonly hostname: string;
  /** The server's own addresses, for `-acme-ip-certs`: they go into the same certificate. */
  readonly ipAddresses: readonly string[];
  readonly directoryUrl: string;
  /** Empty for none. */
  readonly email: string;
  readonly externalAccount: ExternalAccount | undefined;
  /** Goes into the meta certificate. */
  readonly serverKey: NodePublic;
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts: string[];
  readonly clock: Clock;
  /** For tests: the server at `directoryUrl`, and numbers from [0, 1). */
  readonly server?: AcmeServer;
  readonly random?: () => number;
}

const REASON_CHARACTERS = 500;

/** One certificate, from the first request to its last renewal. */
export class AcmeSource implements CertificateSource {
  readonly #options: AcmeOptions;
  readonly #plan: AcmePlan;
  readonly #server: AcmeServer;
  readonly #store: AcmeStore;
  /** Answers to open challenges by token. */
  readonly #answers = new Map<string, string>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> | undefined;
  #onChange = () => {};
  #accountKey = "";
  #certificate: AcmeCertificate | undefined;
  #reason: string | undefined;
  /** What was last said of the stored certificate. */
  #storedFault: string | undefined;
  /** Addresses that the server has refused; they are left out until the next start. */
  readonly #refused = new Set<string>();

  /** @throws OperatorError for options that can't be right */
  constructor(options: AcmeOptions) {
    const { certDir, hostname, clock } = options;
    this.#options = options;
    this.#plan = new AcmePlan(clock, options.random ?? Math.random);
    this.#store = new AcmeStore(certDir, hostname);
    this.#server = options.server ??
      new LibraryAcmeServer({ ...options, clock: systemClock });
  }

  /** See {@linkcode CertificateSource.current}. */
  get current(): ServedCertificate | undefined {
    return this.#certificate?.served;
  }

  /** See {@linkcode CertificateSource.problem}. */
  get problem(): string | undefined {
    const { hostname, directoryUrl } = this.#options;
    if (this.#certificate !== undefined) {
      return this.#reason && `certificate is not renewed: ${this.#reason}`;
    }
    const reason = this.#reason ?? `asking ${directoryUrl}`;
    return `no certificate for ${hostname} yet: ${reason}`;
  }

  /** Takes the stored certificate, if it is good, and does everything else later: the server asks on the HTTP port. */
  async start(onChange: () => void): Promise<void> {
    this.#accountKey = await this.#store.accountKey();
    await this.#loadStored();
    this.#onChange = onChange;
    this.#running = this.#run();
  }

  /** Takes a certificate that somebody else has put there; where one is due, asks for it now. */
  async reload(): Promise<void> {
    if (await this.#loadStored()) this.#onChange();
    this.#plan.hurry();
    this.#wake.abort();
  }

  /** See {@linkcode CertificateSource.challenge}. */
  challenge(token: string): string | undefined {
    return this.#answers.get(token);
  }

  /** See {@linkcode CertificateSource.close}. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { clock } = this.#options;
    while (!signal.aborted) {
      const held = this.#held;
      const pollInMs = held ? this.#plan.pollInMs : Infinity;
      const tryInMs = this.#plan.tryInMs(held);
      if (held && pollInMs <= 0) {
        await this.#pollRenewalInfo(held.leaf);
      } else if (tryInMs <= 0) {
        await this.#try();
      } else {
        this.#wake = new AbortController();
        await delay(clock, Math.min(tryInMs, pollInMs), this.#wake.signal);
      }
    }
  }

  get #held(): (Held & { readonly leaf: Uint8Array }) | undefined {
    if (this.#certificate === undefined) return undefined;
    const { leaf, served, isFor } = this.#certificate;
    const { notBefore, notAfter } = served.facts;
    const isComplete = this.#names().every(isFor);
    return { leaf, notBefore, notAfter, isComplete };
  }

  /** The host name first, then the addresses that nobody has refused. */
  #names(): string[] {
    const { hostname, ipAddresses } = this.#options;
    return [...new Set([hostname, ...ipAddresses])]
      .filter((name) => !this.#refused.has(name));
  }

  /** A server that can't say when to renew is no problem: a third of the lifetime is left then. */
  async #pollRenewalInfo(leaf: Uint8Array): Promise<void> {
    try {
      const { signal } = this.#stop;
      const info = await this.#server.renewalInfo(leaf, signal);
      this.#plan.polled(info ?? "none");
    } catch (error) {
      log.debug("no renewal information: {why}", { why: oneLine(error) });
      this.#plan.polled(undefined);
    }
  }

  async #try(): Promise<void> {
    this.#plan.trying();
    try {
      // Somebody else may have put one there, or the clock may have been wrong before.
      const found = this.#certificate === undefined && await this.#loadStored();
      if (!found) await this.#obtain();
      this.#onChange();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(error);
    }
  }

  async #obtain(): Promise<void> {
    const key = await makeEcKey();
    const chain = await this.#order(key);
    const certificate = this.#parse(key + chain, this.#options.directoryUrl);
    try {
      await this.#store.writeCertificate(key, certificate.chain);
    } catch (error) { // it can be served all the same
      log.error("{why}", { why: messageOf(error) });
    }
    this.#take(certificate, { isFresh: true });
    const { notAfter, names } = certificate.served.facts;
    log.info("new certificate for {names}, valid until {notAfter}", {
      names: names.join(", "),
      notAfter: notAfter.toISOString(),
    });
  }

  /** Without the addresses that the server refuses: the host name's certificate doesn't depend on them. */
  async #order(key: string): Promise<string> {
    const order = {
      accountKey: this.#accountKey,
      certificateKey: toPkcs8(key),
      replaces: this.#certificate?.leaf,
      answers: this.#answers,
    };
    const { signal } = this.#stop;
    try {
      return await this.#server.issue(
        { ...order, names: this.#names() },
        signal,
      );
    } catch (error) {
      const refused = error instanceof AcmeError ? error.refused : [];
      const { hostname } = this.#options;
      const optional = this.#names().filter((name) => name !== hostname);
      const left = refused.filter((name) => optional.includes(name));
      if (left.length === 0 || refused.includes(hostname)) throw error;
      for (const name of left) this.#refused.add(name);
      log.warn("the certificate leaves out {names}: {why}", {
        names: left.join(", "),
        why: oneLine(error),
      });
      return await this.#server.issue(
        { ...order, names: this.#names() },
        signal,
      );
    }
  }

  #failed(error: unknown): void {
    const waitMs = this.#plan.failed(
      error instanceof AcmeError ? error.retryAfterMs : undefined,
    );
    const reason = oneLine(error);
    if (reason === this.#reason) return;
    this.#reason = reason;
    log.warn("{problem}; the relay goes on trying, next in {minutes} min", {
      problem: this.problem,
      minutes: Math.ceil(waitMs / 60_000),
    });
  }

  /** Whether the file had another certificate that can be served. */
  async #loadStored(): Promise<boolean> {
    try {
      const text = await this.#store.readCertificate();
      if (text === undefined) return false;
      const stored = this.#parse(text, this.#store.path);
      const { sha256, notAfter } = stored.served.facts;
      const facts = this.current?.facts;
      if (sha256 === facts?.sha256) return false;
      // The file is behind where it could not be written.
      if (facts !== undefined && notAfter < facts.notAfter) return false;
      this.#take(stored, { isFresh: false });
      return true;
    } catch (error) {
      const why = oneLine(error);
      if (why !== this.#storedFault) {
        log.warn("the stored certificate is not used: {why}", { why });
      }
      this.#storedFault = why;
      return false;
    }
  }

  #parse(text: string, origin: string): AcmeCertificate {
    const { hostname, serverKey, clock } = this.#options;
    const now = clock.date();
    return parseAcmeCertificate(text, { origin, hostname, serverKey, now });
  }

  #take(certificate: AcmeCertificate, how: { isFresh: boolean }): void {
    this.#certificate = certificate;
    this.#reason = undefined;
    this.#plan.took(certificate.served.facts, how);
  }
}

/** Without what differs each time, so that the same reason is told once. */
function oneLine(error: unknown): string {
  const text = messageOf(error)
    .replace(/(acme-challenge\/)[\w-]+/g, "$1…")
    // deno-lint-ignore no-control-regex -- that is what has to go
    .replace(/[\s\x00-\x1f\x7f-\x9f]+/g, " ").trim();
  return text.slice(0, REASON_CHARACTERS);
}
