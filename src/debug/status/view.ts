/** What the status page shows at one moment, in parts that can be replaced one by one. */
import type { Clock } from "../../util/clock.ts";
import { ClientLooks } from "./client_looks.ts";
import { renderPager, renderRow, rowId } from "./client_table.ts";
import type { StatusFacts } from "./facts.ts";
import type { History } from "./history.ts";
import { type Markup, markup } from "./markup.ts";
import type { StatusQuery } from "./query.ts";
import {
  renderCharts,
  renderFacts,
  renderHealth,
  renderMesh,
  renderSources,
} from "./sections.ts";
import { formatCount, formatTime } from "./units.ts";

/** The parts, by the identity of the element that has each. */
export type Parts = Readonly<
  Record<
    | "health"
    | "facts"
    | "charts"
    | "count"
    | "pager"
    | "sources"
    | "mesh"
    | "time",
    Markup
  >
>;

/** The row of a client, and its identity in the page. */
export interface Row {
  readonly id: string;
  readonly row: Markup;
}

/** All of it. */
export interface Moment {
  readonly parts: Parts;
  /** In order. */
  readonly rows: readonly Row[];
}

/** Makes moments for whoever asks. */
export class StatusView {
  readonly facts: StatusFacts;
  readonly #history: History;
  readonly #clock: Clock;
  readonly #looks: ClientLooks;

  constructor(facts: StatusFacts, history: History, clock: Clock) {
    this.facts = facts;
    this.#history = history;
    this.#clock = clock;
    this.#looks = new ClientLooks(facts.sessions, clock);
  }

  /** How everything is now. */
  now(query: StatusQuery): Moment {
    const { facts } = this;
    const clock = this.#clock;
    const page = this.#looks.page(query);
    return {
      parts: {
        health: renderHealth(facts),
        facts: renderFacts(facts),
        charts: renderCharts(this.#history),
        count: markup`${formatCount(page.total)}`,
        pager: renderPager(page, query),
        sources: renderSources(facts.verification?.(), clock),
        mesh: renderMesh(facts.meshLinks(), clock),
        time: markup`${formatTime(clock.date())}`,
      },
      rows: page.clients.map((client) => ({
        id: rowId(client),
        row: renderRow(client),
      })),
    };
  }

  /** Lets go of what was remembered for those who watched. */
  forgetOld(): void {
    this.#looks.forgetOld();
  }
}
