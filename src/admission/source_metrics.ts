/** What is counted of each source of verdicts. */
import { Histogram } from "../util/histogram.ts";
import type { Source } from "./source.ts";

/** Upper ends of the buckets; a question has 5 s. */
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5];

/** The counters of one source. */
export class SourceMetrics {
  /** Questions put to it, and those of them without an answer. */
  asked = 0;
  failed = 0;
  /** Clients that it admitted and refused, and those of them from memory. */
  admitted = 0;
  refused = 0;
  cached = 0;
  /** Clients let in because it couldn't be reached. */
  unverified = 0;
  /** When it last answered, in seconds; 0 before that. */
  lastSuccessUnixTime = 0;
  /** How long its answers, or their absence, took. */
  readonly seconds: Histogram = new Histogram(SECONDS);
  readonly #labels: string;

  constructor({ name, kind }: Pick<Source, "name" | "kind">) {
    this.#labels = `source="${escapeLabel(name)}",kind="${kind}"`;
  }

  /** All values by name, labelled with the source. */
  snapshot(): Record<string, number> {
    const labels = `{${this.#labels}}`;
    return {
      [`counter_derper_verify_asked${labels}`]: this.asked,
      [`counter_derper_verify_admitted${labels}`]: this.admitted,
      [`counter_derper_verify_refused${labels}`]: this.refused,
      [`counter_derper_verify_failed${labels}`]: this.failed,
      [`counter_derper_verify_cached${labels}`]: this.cached,
      [`counter_derper_verify_unverified${labels}`]: this.unverified,
      [`gauge_derper_verify_last_success_unix_time${labels}`]:
        this.lastSuccessUnixTime,
      ...this.seconds.snapshot("derper_verify_seconds", this.#labels),
    };
  }
}

/** As Prometheus' text format wants it; names are one line. */
function escapeLabel(text: string): string {
  return text.replace(/[\\"]/g, "\\$&").replace(/\p{Cc}/gu, " ");
}
