/** Connections to the relay that is probed, all made in the same way. */
import type { Conn } from "../net/conn.ts";
import { dialTcp, dialTls } from "../net/dial.ts";
import type { Place } from "./target.ts";

/** Makes one more connection; it closes when the signal aborts. */
export type Dial = (signal: AbortSignal) => Promise<Conn>;

/** Which address is dialled, and which certificates will do there. */
export interface DialRoute {
  readonly place: Place;
  readonly address: string;
  /** PEM texts; of no use without TLS. */
  readonly caCerts: string[];
  readonly anyName?: boolean;
}

/** A way to connect as the route says. */
export function dialer(route: DialRoute): Dial {
  const { place: { name, port, isTls }, address, caCerts, anyName } = route;
  const target = { host: name, port, dialHost: address };
  return async (signal) => {
    const conn = isTls
      ? await dialTls(target, { caCerts, signal, ...anyName && { anyName } })
      : await dialTcp(target, signal);
    return closeAtAbort(conn, signal);
  };
}

/** A connection to another port of the relay, without TLS. */
export function plainDialer(address: string, port: number): Dial {
  return async (signal) =>
    closeAtAbort(await dialTcp({ port, dialHost: address }, signal), signal);
}

/** Runs `use` on a connection of its own, which is closed at the end. */
export async function withConn<T>(
  dial: Dial,
  signal: AbortSignal,
  use: (conn: Conn) => Promise<T>,
): Promise<T> {
  const conn = await dial(signal);
  try {
    return await use(conn);
  } finally {
    conn.close();
  }
}

function closeAtAbort(conn: Conn, signal: AbortSignal): Conn {
  if (signal.aborted) conn.close();
  signal.addEventListener("abort", () => conn.close());
  return conn;
}
