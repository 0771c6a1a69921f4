/** What one who watches hasn't been told yet. */
import type { ServerSentEventMessage } from "./server_sent_events.ts";
import type { Moment } from "./view.ts";

/** Remembers what was sent last, which is one page of it. */
export class Changes {
  #parts: ReadonlyMap<string, string> = new Map();
  #rows: ReadonlyMap<string, string> = new Map();

  /** The parts and rows that look otherwise than at the moment before, and the rows' order if need be. */
  since({ parts, rows }: Moment): ServerSentEventMessage[] {
    const newParts = new Map(
      Object.entries(parts).map(([id, { text }]) => [id, text]),
    );
    const newRows = new Map(rows.map(({ id, row }) => [id, row.text]));
    const changedParts = changed(this.#parts, newParts);
    const changedRows = changed(this.#rows, newRows);
    const order = [...newRows.keys()];
    const sameOrder = order.join() === [...this.#rows.keys()].join();
    const isFirst = this.#parts.size === 0;
    this.#parts = newParts;
    this.#rows = newRows;
    const events: ServerSentEventMessage[] = [];
    if (changedParts !== undefined) {
      events.push({ event: "parts", data: JSON.stringify(changedParts) });
    }
    if (isFirst || !sameOrder || changedRows !== undefined) {
      const data = JSON.stringify({ order, rows: changedRows ?? {} });
      events.push({ event: "rows", data });
    }
    return events;
  }
}

/** Undefined where nothing is. */
function changed(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): Record<string, string> | undefined {
  const entries = [...now].filter(([id, text]) => before.get(id) !== text);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
