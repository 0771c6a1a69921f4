/** `/bootstrap-dns`: addresses of control servers for clients whose own DNS doesn't work. */
import { type Clock, delay } from "../util/clock.ts";
import { type BootstrapName, BootstrapNames } from "./bootstrap_names.ts";
import type { HttpHandler } from "./connection.ts";
import { BROWSER_HEADERS } from "./pages.ts";
import { isReached } from "./rollout.ts";
import type { Resolver } from "./system_resolver.ts";

const REFRESH_MS = 60_000;
/** For one round of look-ups, so that the next is on time. */
const DEADLINE_MS = 30_000;

/** Names that were asked for are counted up to here, then anew (derper's bound). */
const MAX_QUERIED = 500;
/** The longest text that can be a name (RFC 1035, section 2.3.4); longer ones aren't kept. */
const NAME_CHARACTERS = 255;

export interface BootstrapDnsOptions {
  /** Flag `-bootstrap-dns-names`. */
  readonly published: readonly string[];
  /** Flag `-unpublished-bootstrap-dns-names`. */
  readonly unpublished: readonly BootstrapName[];
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** From 0 up to 1; by default the runtime's. */
  readonly random?: () => number;
}

/** Looks the names up every minute, and serves what was found. */
export class BootstrapDns {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #published: BootstrapNames;
  readonly #unpublished: BootstrapNames;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  /** All published names as JSON; empty until they have been looked up. */
  #publishedJson = "";
  readonly #queried = new Set<string>();
  readonly #counts = {
    requests: 0,
    publishedHits: 0,
    publishedMisses: 0,
    unpublishedHits: 0,
    unpublishedMisses: 0,
    unpublishedPercentMisses: 0,
  };

  constructor(options: BootstrapDnsOptions) {
    const { clock, resolver, random = Math.random } = options;
    this.#clock = clock;
    this.#random = random;
    const parts = { resolver, random };
    this.#published = new BootstrapNames(
      options.published.map((name) => ({ name })),
      parts,
    );
    this.#unpublished = new BootstrapNames(options.unpublished, parts);
    this.#done = this.#run();
  }

  /** Serves the page. As with derper, any method is answered. */
  readonly handler: HttpHandler = (request, { remote }) => {
    this.#counts.requests++;
    const name = new URL(request.url).searchParams.get("q") ?? "";
    const body = (name === "" ? undefined : this.#query(name, remote.ip)) ??
      this.#publishedJson;
    // Clients come once, and from everywhere: to keep their connections would be of no use.
    return new Response(body, {
      headers: {
        ...BROWSER_HEADERS,
        "Content-Type": "application/json",
        "Connection": "close",
      },
    });
  };

  /** All counters by derper's name. */
  snapshot(): Record<string, number> {
    const counts = this.#counts;
    return {
      counter_bootstrap_dns_requests: counts.requests,
      counter_bootstrap_dns_published_hits: counts.publishedHits,
      counter_bootstrap_dns_published_misses: counts.publishedMisses,
      counter_bootstrap_dns_unpublished_hits: counts.unpublishedHits,
      counter_bootstrap_dns_unpublished_misses: counts.unpublishedMisses,
      counter_bootstrap_dns_unpublished_percent_misses:
        counts.unpublishedPercentMisses,
      counter_bootstrap_dns_queried_domains: this.#queried.size,
    };
  }

  /** Ends the look-ups. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    if (this.#published.isEmpty && this.#unpublished.isEmpty) return;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#refresh(signal);
      await delay(this.#clock, REFRESH_MS, signal);
    }
  }

  async #refresh(closing: AbortSignal): Promise<void> {
    const deadline = new AbortController();
    const cancel = this.#clock.after(
      DEADLINE_MS,
      () => deadline.abort(new Error("no answer in time")),
    );
    const signal = AbortSignal.any([closing, deadline.signal]);
    try {
      await Promise.all([
        this.#published.refresh(signal),
        this.#unpublished.refresh(signal),
      ]);
    } finally {
      cancel();
    }
    if (!this.#published.isEmpty) {
      this.#publishedJson = toJson(this.#published.all());
    }
  }

  /** The answer to who asks for one unpublished name, or undefined for the published ones. */
  #query(name: string, ip: string): string | undefined {
    this.#noteQueried(name);
    const counts = this.#counts;
    const hidden = this.#unpublished.get(name);
    if (hidden !== undefined) {
      counts.unpublishedHits++;
      if (isReached(ip, hidden.share, this.#random)) {
        return toJson([[name, hidden.ips]]);
      }
      counts.unpublishedPercentMisses++;
    }
    if (this.#published.get(name) !== undefined) counts.publishedHits++;
    else if (this.#published.lists(name)) counts.publishedMisses++;
    else counts.unpublishedMisses++;
    return undefined;
  }

  #noteQueried(name: string): void {
    if (name.length > NAME_CHARACTERS) return;
    this.#queried.add(name);
    if (this.#queried.size > MAX_QUERIED) this.#queried.clear();
  }
}

/** As Go writes a map of addresses: one on each line, `null` for none. */
function toJson(
  names: readonly (readonly [name: string, ips: readonly string[]])[],
): string {
  if (names.length === 0) return "null";
  return JSON.stringify(Object.fromEntries(names), null, "\t");
}
