/** `-certmode manual`: serves the certificate of two files, and the next one when they change. */
import { dirname } from "node:path";
import { LookOut } from "../files/look_out.ts";
import { logger } from "../log/log.ts";
import { type Clock, delay } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import {
  checkManualPair,
  makeManualPair,
  type ManualOptions,
  type ManualPair,
  manualPaths,
  readManualPair,
} from "./manual.ts";
import type { CertificateSource, ServedCertificate } from "./provider.ts";

const log = logger("certs");

/** Two files can't change at once: this much time their writer has, each time, before a fault is one. */
const SETTLE_MS = 1_000;
const TRIES = 3;

/** Where the files are, and what the certificate has to be good for. */
export interface ManualSourceOptions extends Omit<ManualOptions, "now"> {
  readonly clock: Clock;
}

/**
 * Watches the directories of the files and compares what the files hold, so
 * that links may be switched (certbot, Kubernetes), files replaced, or written
 * in place. Whatever is wrong with new files, the old certificate stays.
 */
export class ManualSource implements CertificateSource {
  readonly #options: ManualSourceOptions;
  #onChange: () => void = () => {};
  #current: ServedCertificate | undefined;
  #problem: string | undefined;
  /** What the files held when `#current` was made of them. */
  #served: ManualPair | undefined;
  /** What the files held at `#problem`; undefined where they couldn't be read. */
  #refused: ManualPair | undefined;
  #lookOut: LookOut | undefined;
  #isClosed = false;

  constructor(options: ManualSourceOptions) {
    this.#options = options;
  }

  get current(): ServedCertificate | undefined {
    return this.#current;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** @throws OperatorError */
  async start(onChange: () => void): Promise<void> {
    const options = this.#now();
    const text = await readManualPair(options) ?? await makeManualPair(options);
    this.#current = checkManualPair(text, options);
    this.#served = text;
    this.#onChange = onChange;
    if (this.#isClosed) return;
    const { cert, key } = manualPaths(options);
    const directories = [dirname(cert), dirname(key)];
    this.#lookOut = new LookOut({
      directories,
      clock: this.#options.clock,
      noticeMs: SETTLE_MS,
      look: (signal) => this.#look(signal),
    });
    const { watchProblem } = this.#lookOut;
    if (watchProblem !== undefined) {
      log.info(
        "can't watch {directories} ({why}): new certificates are noticed within a minute",
        { directories: directories.join(", "), why: watchProblem },
      );
    }
  }

  async reload(): Promise<void> {
    if (this.#current === undefined) return; // not started
    const current = this.#current;
    const problem = this.#problem;
    await this.#lookOut?.look();
    if (this.#current !== current || this.#problem !== problem) return; // told
    if (problem === undefined) {
      log.info("the certificate files have not changed");
    } else {
      this.#logProblem();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lookOut?.close();
  }

  /** A fault may be a pair that is half-written: only one that stays is told. */
  async #look(signal: AbortSignal): Promise<void> {
    for (let tries = 1; !signal.aborted; tries++) {
      const options = this.#now();
      let text: ManualPair | undefined;
      try {
        text = await readManualPair(options);
        if (text === undefined) throw new Error("both files are gone");
        this.#take(text, options);
        return;
      } catch (error) {
        const why = messageOf(error);
        if (this.#isKnown(text, why)) return;
        if (tries === TRIES) return this.#refuse(text, why);
        await delay(this.#options.clock, SETTLE_MS, signal);
      }
    }
  }

  /** @throws OperatorError */
  #take(text: ManualPair, options: ManualOptions): void {
    const isNew = !isSame(text, this.#served);
    if (isNew) {
      this.#current = checkManualPair(text, options);
      this.#served = text;
    } else if (this.#problem !== undefined) {
      log.info("the certificate files are again as they were");
    }
    this.#problem = undefined;
    this.#refused = undefined;
    if (!isNew) return;
    log.info(
      "took a new certificate for {names} from {path}, with {days} days left",
      { ...this.#facts(), path: manualPaths(options).cert },
    );
    this.#onChange();
  }

  #refuse(text: ManualPair | undefined, why: string): void {
    this.#problem = why;
    this.#refused = text;
    this.#logProblem();
  }

  #logProblem(): void {
    log.error(
      "the new certificate files can't be used, the old certificate with {days} days left stays: {why}",
      { ...this.#facts(), why: this.#problem },
    );
  }

  /** Whether this fault has been told; a message may name the time, so what the files hold counts as well. */
  #isKnown(text: ManualPair | undefined, why: string): boolean {
    if (this.#problem === undefined) return false;
    return why === this.#problem ||
      (text !== undefined && isSame(text, this.#refused));
  }

  /** For log lines. */
  #facts(): { names: string; days: number } {
    const certificate = this.#current!; // there is one as soon as there are looks
    return {
      names: certificate.facts.names.join(", "),
      days: certificate.daysLeft(this.#options.clock.date()),
    };
  }

  #now(): ManualOptions {
    return { ...this.#options, now: this.#options.clock.date() };
  }
}

function isSame(a: ManualPair, b: ManualPair | undefined): boolean {
  return a.cert === b?.cert && a.key === b.key;
}
