/** Sessions and parts of a relay as the status page sees them, made up. */
import type { ClientSession } from "../../src/debug/status/client_looks.ts";
import type { StatusFacts } from "../../src/debug/status/facts.ts";
import { NodePublic } from "../../src/keys/node_key.ts";

/** What would be shown as a picture, or run, if it weren't text. */
export const HOSTILE = `<img src=x onerror="document.title='owned'">`;

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** A session of which a test may change all. */
export type FakeSession = Writable<Omit<ClientSession, "writer">> & {
  writer: Writable<ClientSession["writer"]>;
};

/** An idle one; each number has a key and an address of its own. */
export function fakeSession(
  n: number,
  change: Partial<FakeSession> = {},
): FakeSession {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, n);
  return {
    route: { key: NodePublic.fromBytes(bytes) },
    remote: { ip: `10.0.${n >> 8}.${n & 255}`, port: 40_000 },
    isMeshPeer: false,
    isProber: false,
    isHome: false,
    admitted: undefined,
    ageMs: 60_000,
    receivedBytes: 0,
    writer: { sentBytes: 0, droppedPackets: 0, queuedBytes: 0 },
    ...change,
  };
}

/** A relay where nothing is wrong, with these sessions. */
export function fakeFacts(
  sessions: Iterable<ClientSession>,
  change: Partial<StatusFacts> = {},
): StatusFacts {
  return {
    version: "1.2.3",
    machine: "vm",
    hostname: "relay.test",
    hasMeshKey: false,
    uptimeSeconds: () => 3_723,
    memoryBytes: () => 65e6,
    problems: () => [],
    sessions: () => sessions,
    metrics: { snapshot: () => ({}) },
    meshLinks: () => [],
    stun: { successes: 0, unhealthy: 0, ipv4: 0, ipv6: 0 },
    ...change,
  };
}
