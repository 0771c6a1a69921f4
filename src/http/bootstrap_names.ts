/** One list of names of `/bootstrap-dns`, and what DNS says of them. */
import { logger } from "../log/log.ts";
import { messageOf } from "../util/error_message.ts";
import { formatIp, parseIp } from "../util/ip.ts";
import type { Resolver } from "./system_resolver.ts";

const log = logger("bootstrap-dns");

/** A host name to look up. */
export interface BootstrapName {
  readonly name: string;
  /** The name of a TXT record with the percentage of clients that are answered; without one it is all of them. */
  readonly rolloutRecord?: string;
}

/** What is known of a name. */
export interface Found {
  readonly ips: readonly string[];
  /** The share of clients that are told, 0 to 1. */
  readonly share: number;
}

/** The names of one flag. What was found stays when DNS fails later. */
export class BootstrapNames {
  readonly #names: readonly BootstrapName[];
  readonly #resolver: Resolver;
  readonly #random: () => number;
  readonly #found = new Map<string, Found>();
  /** Names whose look-up failed the last time. */
  readonly #failing = new Set<string>();

  constructor(
    names: readonly BootstrapName[],
    { resolver, random }: { resolver: Resolver; random: () => number },
  ) {
    this.#names = names;
    this.#resolver = resolver;
    this.#random = random;
  }

  get isEmpty(): boolean {
    return this.#names.length === 0;
  }

  /** Whether the list has `name`, found or not. */
  lists(name: string): boolean {
    return this.#names.some((listed) => listed.name === name);
  }

  /** What was found of `name`; undefined where it never was. */
  get(name: string): Found | undefined {
    return this.#found.get(name);
  }

  /** The addresses of all names that have any, the names in order. */
  all(): [name: string, ips: readonly string[]][] {
    return [...this.#found]
      .sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, { ips }]) => [name, ips]);
  }

  /** Looks all names up again; never rejects. */
  async refresh(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#names.map((name) => this.#look(name, signal)));
  }

  async #look(
    { name, rolloutRecord }: BootstrapName,
    signal: AbortSignal,
  ): Promise<void> {
    const before = this.#found.get(name);
    const [ips, share] = await Promise.all([
      this.#try(name, signal, () => this.#addresses(name, signal)),
      rolloutRecord === undefined
        ? 1
        : this.#try(rolloutRecord, signal, () =>
          this.#share(rolloutRecord, signal)),
    ]);
    const known = ips ?? before?.ips;
    if (known === undefined) return;
    // No share known yet is none, so that nobody is told too early.
    this.#found.set(name, { ips: known, share: share ?? before?.share ?? 0 });
  }

  /** The result of `look`, or undefined where it fails, which is said once until it works again. */
  async #try<T>(
    name: string,
    signal: AbortSignal,
    look: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      const result = await look();
      if (this.#failing.delete(name)) {
        log.info("the look-up of {name} works again", { name });
      }
      return result;
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      const isClosing = cause instanceof DOMException; // what abort() gives without a reason
      if (!isClosing && !this.#failing.has(name)) {
        this.#failing.add(name);
        const why = messageOf(cause).replace(/\s+/g, " ");
        log.warn(
          "the look-up of {name} fails, /bootstrap-dns keeps what it has of it, if anything: {why}",
          { name, why },
        );
      }
      return undefined;
    }
  }

  /** In any order, lest clients that take the first all choose the same, or always IPv6. */
  async #addresses(name: string, signal: AbortSignal): Promise<string[]> {
    const literal = parseIp(name);
    if (literal) return [formatIp(literal)];
    return shuffle(await this.#resolver.addresses(name, signal), this.#random);
  }

  /** The last TXT record that is a percentage; no such record is 0. */
  async #share(name: string, signal: AbortSignal): Promise<number> {
    const percentages = (await this.#resolver.texts(name, signal))
      .filter((text) => /^[+-]?\d{1,20}$/.test(text)) // what Go's Atoi takes
      .map(Number)
      .filter((percentage) => percentage >= 0 && percentage <= 100);
    return (percentages.at(-1) ?? 0) / 100;
  }
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}
