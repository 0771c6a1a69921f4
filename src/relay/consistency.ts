/** Whether the relay's table fits together, and fits the metrics; for operators who ask. */
import type { KeyMap } from "./key_map.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { Route } from "./relay_table.ts";
import type { Session } from "./session.ts";

/** What the table is made of. */
export interface TableParts {
  readonly routes: KeyMap<Route>;
  readonly watchers: ReadonlySet<Session>;
  readonly metrics: RelayMetrics;
}

/** What counting the table anew gives; the names are those of the metrics. */
interface Counts {
  currentConnections: number;
  currentHomeConnections: number;
  currentNotIdealConnections: number;
  clientsLocal: number;
  clientsTotal: number;
  currentDupClientKeys: number;
  currentDupClientConns: number;
  watchers: number;
}

/** Counts everything anew and follows every reference; one line for each kind of fault. */
export function findInconsistencies(parts: TableParts): string[] {
  const counts: Counts = {
    currentConnections: 0,
    currentHomeConnections: 0,
    currentNotIdealConnections: 0,
    clientsLocal: 0,
    clientsTotal: 0,
    currentDupClientKeys: 0,
    currentDupClientConns: 0,
    watchers: parts.watchers.size,
  };
  const faults = new Map<string, number>();
  const note = (fault: string) =>
    void faults.set(fault, (faults.get(fault) ?? 0) + 1);
  for (const route of parts.routes.values()) {
    countRoute(route, counts);
    checkRoute(route, parts, note);
    for (const session of route.clients) checkSession(session, parts, note);
  }
  for (const watcher of parts.watchers) {
    if (!isRegistered(watcher, parts)) note("watcher that isn't connected");
  }
  return [
    ...[...faults].map(([fault, count]) => `${count} × ${fault}`),
    ...differences(counts, parts.metrics),
  ];
}

function countRoute({ clients, forwarders }: Route, counts: Counts): void {
  const { size } = clients;
  if (size + forwarders.length > 0) counts.clientsTotal++;
  if (size > 0) counts.clientsLocal++;
  if (size > 1) {
    counts.currentDupClientKeys++;
    counts.currentDupClientConns += size;
  }
  counts.currentConnections += size;
  for (const session of clients) {
    if (session.isHome) counts.currentHomeConnections++;
    if (session.isNotIdeal) counts.currentNotIdealConnections++;
  }
}

function checkRoute(
  route: Route,
  parts: TableParts,
  note: (fault: string) => void,
): void {
  const { key, clients, forwarders, hearers } = route;
  if (parts.routes.get(key.bytes) !== route) {
    note("key that the table doesn't find");
  }
  if (clients.size + forwarders.length + hearers.size === 0) {
    note("key that is kept for nothing");
  }
  if (new Set(forwarders).size !== forwarders.length) {
    note("key that a mesh peer announces twice");
  }
  for (const hearer of hearers) {
    if (!hearer.heard.has(route) || !isRegistered(hearer, parts)) {
      note("key whose leaving would be told to the wrong connection");
    }
  }
}

function checkSession(
  session: Session,
  parts: TableParts,
  note: (fault: string) => void,
): void {
  if (!isRegistered(session, parts)) {
    note("connection that is registered under another key");
  }
  for (const source of session.heard) {
    if (!source.hearers.has(session)) {
      note("connection that wouldn't be told of a leaving key");
    }
  }
}

/** Whether the table has the session, at its own key. */
function isRegistered(session: Session, { routes }: TableParts): boolean {
  const route = routes.get(session.route.key.bytes);
  if (route !== session.route) return false;
  for (const client of route.clients) if (client === session) return true;
  return false;
}

function differences(counts: Counts, metrics: RelayMetrics): string[] {
  return (Object.keys(counts) as (keyof Counts)[])
    .filter((name) => counts[name] !== metrics[name])
    .map((name) =>
      `${name} is ${metrics[name]}, but the table has ${counts[name]}`
    );
}
