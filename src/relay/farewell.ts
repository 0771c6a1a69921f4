/** The last words to every session before the relay stops. */
import { encodeRestarting } from "../derp/messages.ts";
import { type Clock, delay } from "../util/clock.ts";
import type { HealthNotices } from "./health_notices.ts";
import type { RelayTable } from "./relay_table.ts";
import type { Session } from "./session.ts";

/** For what is written to be taken; half a second with the timers' coarseness. */
const FAREWELL_MS = 250;

/** Clients come back so many a second: as many TLS handshakes as a small machine manages. */
const RECONNECTS_PER_MS = 1;
const MIN_SPREAD_MS = 1_000;
const MAX_SPREAD_MS = 10_000;
/** More than a few seconds would be against the protocol: they are for a relay that is back soon. */
const TRY_FOR_MS = 5_000;
/** Those who are closed together have to come back together. */
const STEP_MS = 100;

/** How farewell is said. */
export interface FarewellOptions {
  readonly clock: Clock;
  readonly notices: HealthNotices;
  /** Over which the clients are asked to come back; by default as long as it takes to serve them. */
  readonly spreadMs?: number;
}

/**
 * Tells every session that the relay stops, and waits a little while for that
 * to be written. Clients of today show the Health text until they are connected
 * again and ignore Restarting, as mesh peers do both.
 */
export async function sayFarewell(
  sessions: readonly Session[],
  { clock, notices, spreadMs = usualSpreadMs(sessions.length) }:
    FarewellOptions,
): Promise<void> {
  if (sessions.length === 0) return;
  const late = Promise.withResolvers<void>();
  const cancel = clock.after(FAREWELL_MS, late.resolve);
  const written = sessions.map((session) => {
    notices.tellStopping(session);
    const reconnectInMs = Math.floor(Math.random() * spreadMs);
    const last = encodeRestarting({ reconnectInMs, tryForMs: TRY_FOR_MS });
    session.writer.sendControl(last);
    return session.writer.drained();
  });
  await Promise.race([Promise.all(written), late.promise]);
  cancel();
}

function usualSpreadMs(sessions: number): number {
  const ms = sessions / RECONNECTS_PER_MS;
  return Math.min(MAX_SPREAD_MS, Math.max(MIN_SPREAD_MS, ms));
}

/**
 * Tells all clients that the relay is about to stop, and ends them evenly over
 * a time, each with its farewell; those too that come meanwhile. Mesh peers
 * stay, for those who are still here. Resolves when no client is left.
 */
export async function endClients(
  table: RelayTable,
  { overMs, ...options }: FarewellOptions & { readonly overMs: number },
): Promise<void> {
  const { clock, notices } = options;
  let lastMs = clock.nowMs();
  const endMs = lastMs + overMs;
  const order = byConversation(clientsOf(table));
  for (const session of order) notices.tellStopping(session);
  const leaving = new Set<Session>();
  const ended: Promise<void>[] = [];
  for (let due = 0;;) {
    await delay(clock, STEP_MS);
    for (const newcomer of clientsOf(table)) order.add(newcomer);
    const staying = [...order].filter((client) =>
      !client.writer.isClosed && !leaving.has(client)
    );
    if (staying.length === 0) break;
    const nowMs = clock.nowMs();
    const share = (nowMs - lastMs) / Math.max(1, endMs - lastMs);
    lastMs = nowMs;
    due += staying.length * Math.min(1, share);
    const next = staying.slice(0, Math.floor(due));
    due -= next.length;
    for (const client of next) leaving.add(client);
    // They are closed one after the other: who comes back need not wait as well.
    ended.push(end(next, { ...options, spreadMs: 0 }));
  }
  await Promise.all(ended);
}

function clientsOf(table: RelayTable): Session[] {
  return [...table.sessions()].filter(({ isMeshPeer }) => !isMeshPeer);
}

/**
 * Puts those who talk with each other next to each other: between one who has
 * left for another process and one who is still here nothing is relayed.
 */
function byConversation(clients: readonly Session[]): Set<Session> {
  const order = new Set<Session>();
  for (const first of clients) {
    if (order.has(first)) continue;
    order.add(first);
    const found = [first];
    for (const session of found) { // grows meanwhile
      for (const partner of partnersOf(session)) {
        if (order.has(partner) || partner.isMeshPeer) continue;
        order.add(partner);
        found.push(partner);
      }
    }
  }
  return order;
}

/** Who has had packets from this client, and whoever has sent it any. */
function* partnersOf({ route, heard }: Session): Generator<Session> {
  yield* route.hearers;
  for (const { clients } of heard) yield* clients;
}

async function end(
  sessions: readonly Session[],
  options: FarewellOptions,
): Promise<void> {
  await sayFarewell(sessions, options);
  for (const { writer } of sessions) writer.close();
}
