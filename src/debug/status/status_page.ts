/** `/debug/`: what the relay does and how it is, for its operator. */
import { BROWSER_HEADERS } from "../../http/pages.ts";
import type { Cancel, Clock } from "../../util/clock.ts";
import { StatusEvents } from "./events.ts";
import type { StatusFacts } from "./facts.ts";
import { History, SAMPLE_MS, type Totals } from "./history.ts";
import { renderPage } from "./page.ts";
import { StatusQuery } from "./query.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { StatusView } from "./view.ts";

/** Nothing but our own style, script and events; the icon is within the page. */
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS = {
  ...BROWSER_HEADERS,
  "Content-Security-Policy": POLICY,
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer", // the address may have the debug key
};

/** The page, its style, its script and its events. */
export class StatusPage {
  readonly #clock: Clock;
  readonly #history: History;
  readonly #view: StatusView;
  readonly #events: StatusEvents;
  #cancel: Cancel = () => {};

  constructor(facts: StatusFacts, clock: Clock) {
    this.#clock = clock;
    this.#history = new History(clock, () => totals(facts));
    this.#view = new StatusView(facts, this.#history, clock);
    this.#events = new StatusEvents(this.#view, clock);
  }

  /** Looks at the totals from now on: one timer, whether somebody watches or not. */
  start(): void {
    this.#cancel = this.#clock.after(SAMPLE_MS, () => {
      this.#history.sample();
      this.#view.forgetOld();
      this.start();
    });
  }

  /** Ends that; event streams end with their connections. */
  close(): void {
    this.#cancel();
  }

  /** What is at `name` below `/debug/`; undefined where that is none of ours. */
  answer(name: string, params: URLSearchParams): Response | undefined {
    switch (name) {
      case "": {
        const page = renderPage(this.#view, StatusQuery.parse(params));
        return ok(page, "text/html");
      }
      case "status.css":
        return ok(STYLE, "text/css");
      case "status.js":
        return ok(SCRIPT, "text/javascript");
      case "events":
        return this.#events.answer(StatusQuery.parse(params));
      default:
        return undefined;
    }
  }
}

function ok(body: string, type: string): Response {
  const headers = { ...HEADERS, "Content-Type": `${type}; charset=utf-8` };
  return new Response(body, { headers });
}

function totals({ metrics, stun }: StatusFacts): Totals {
  const values = metrics.snapshot();
  let droppedPackets = 0;
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith("derp_packets_dropped{")) droppedPackets += value;
  }
  return {
    connections: values["derp_gauge_current_connections"] ?? 0,
    homes: values["derp_gauge_current_home_connections"] ?? 0,
    receivedBytes: values["derp_bytes_received"] ?? 0,
    sentBytes: values["derp_bytes_sent"] ?? 0,
    droppedPackets,
    stunAnswers: stun.successes,
  };
}
