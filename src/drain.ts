/** The time between the signal to stop and the end, in which clients leave one after the other. */
import type { HttpServer } from "./http/server.ts";
import { logger } from "./log/log.ts";
import type { Relay } from "./relay/relay.ts";
import type { StunSockets } from "./stun/sockets.ts";
import { systemClock } from "./util/clock.ts";
import type { Health } from "./util/health.ts";

const log = logger("derper");

/** What clients choose the relay by; absent ones have no port. */
export interface ClientPorts {
  readonly servers: readonly (HttpServer | undefined)[];
  readonly stun: StunSockets | undefined;
}

/**
 * Lets nobody come any more and ends all clients evenly over a time; who is
 * still here is served. A client that is closed comes back at once, so nobody
 * is accepted from the beginning: it goes to another process on this port, or
 * to another relay. What operators look at stays.
 */
export async function drain(
  { relay, health }: { readonly relay: Relay; readonly health: Health },
  overMs: number,
  { servers, stun }: ClientPorts,
): Promise<void> {
  if (overMs === 0) return;
  health.stop();
  log.info(
    "closing connections over {seconds} s, there are {count}; another signal closes all at once",
    { count: relay.metrics.currentConnections, seconds: overMs / 1000 },
  );
  await Promise.all([
    stun?.close(),
    ...servers.map((server) => server?.handOver(overMs)),
    relay.endClients(overMs, systemClock), // the wheel's steps are too coarse
  ]);
}
