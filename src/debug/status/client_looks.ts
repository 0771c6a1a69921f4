/** What the clients do now: two looks at their counters, and only while somebody watches. */
import type { Clock } from "../../util/clock.ts";
import { parseIp } from "../../util/ip.ts";
import { toHex } from "../../util/bytes.ts";
import { type Column, PAGE_ROWS, type StatusQuery } from "./query.ts";

/** Looks closer to each other tell little; several who watch share them. */
const MIN_GAP_MS = 1_000;
/** After this a rate would be one of the past: without scripts a page is loaded every 10 s. */
const MAX_GAP_MS = 60_000;

/** As much of a session as is shown. */
export interface ClientSession {
  readonly route: { readonly key: ClientKey };
  readonly remote: { readonly ip: string; readonly port: number };
  readonly isMeshPeer: boolean;
  readonly isProber: boolean;
  readonly isHome: boolean;
  readonly admitted:
    | { readonly by: string; readonly node?: string | undefined }
    | undefined;
  readonly ageMs: number;
  readonly receivedBytes: number;
  readonly writer: {
    readonly sentBytes: number;
    readonly droppedPackets: number;
    readonly queuedBytes: number;
  };
}

/** As much of a node key as is shown. */
export interface ClientKey {
  readonly bytes: Uint8Array;
  shortString(): string;
  toString(): string;
}

/** What was seen of one session. */
export interface Look {
  /** Its own, for as long as somebody watches. */
  readonly id: number;
  atMs: number;
  receivedBytes: number;
  sentBytes: number;
  /** Bytes per second; undefined after one look only. */
  inRate: number | undefined;
  outRate: number | undefined;
  /** The address as it is sorted, once somebody has asked for that. */
  address?: string;
}

/** One session with what was seen of it. */
export interface Client {
  readonly session: ClientSession;
  readonly look: Look;
}

/** One page of them, in order. */
export interface ClientPage {
  readonly clients: readonly Client[];
  readonly total: number;
  /** The last one where there are not so many as asked for. */
  readonly page: number;
  readonly pages: number;
}

/** Remembers a few numbers of each session, and no longer than about a minute after the last look. */
export class ClientLooks {
  readonly #sessions: () => Iterable<ClientSession>;
  readonly #clock: Clock;
  #looks = new WeakMap<ClientSession, Look>();
  #lastMs = -Infinity;
  #nextId = 1;

  constructor(sessions: () => Iterable<ClientSession>, clock: Clock) {
    this.#sessions = sessions;
    this.#clock = clock;
  }

  /** Looks at all, and picks a page; its rows are for the caller to make, and no others. */
  page(query: StatusQuery): ClientPage {
    const sorted = sort(this.#look(), query);
    const pages = Math.max(1, Math.ceil(sorted.length / PAGE_ROWS));
    const page = Math.min(query.page, pages);
    const start = (page - 1) * PAGE_ROWS;
    return {
      clients: sorted.slice(start, start + PAGE_ROWS),
      total: sorted.length,
      page,
      pages,
    };
  }

  /** Forgets all where nobody has looked for a while. */
  forgetOld(): void {
    if (this.#clock.nowMs() - this.#lastMs > MAX_GAP_MS) {
      this.#looks = new WeakMap();
    }
  }

  #look(): Client[] {
    this.forgetOld();
    const nowMs = this.#lastMs = this.#clock.nowMs();
    return Array.from(this.#sessions(), (session) => {
      let look = this.#looks.get(session);
      if (look === undefined) {
        look = firstLook(session, { id: this.#nextId++, atMs: nowMs });
        this.#looks.set(session, look);
      } else if (nowMs - look.atMs >= MIN_GAP_MS) {
        renew(look, session, nowMs);
      }
      return { session, look };
    });
  }
}

function firstLook(
  { receivedBytes, writer: { sentBytes } }: ClientSession,
  { id, atMs }: Pick<Look, "id" | "atMs">,
): Look {
  const inRate = undefined;
  return { id, atMs, receivedBytes, sentBytes, inRate, outRate: inRate };
}

function renew(
  look: Look,
  { receivedBytes, writer: { sentBytes } }: ClientSession,
  nowMs: number,
): void {
  const seconds = (nowMs - look.atMs) / 1000;
  look.inRate = (receivedBytes - look.receivedBytes) / seconds;
  look.outRate = (sentBytes - look.sentBytes) / seconds;
  look.receivedBytes = receivedBytes;
  look.sentBytes = sentBytes;
  look.atMs = nowMs;
}

/** Of equals those come first that moved most. */
function sort(clients: Client[], query: StatusQuery): Client[] {
  const keyOf = SORT_KEYS[query.sort];
  const sign = query.isAscending ? 1 : -1;
  return clients.map((client) => ({ client, key: keyOf(client) }))
    .sort((a, b) => {
      if (a.key !== b.key) return a.key < b.key ? -sign : sign;
      return moved(b.client) - moved(a.client) ||
        a.client.look.id - b.client.look.id;
    })
    .map(({ client }) => client);
}

function moved({ session }: Client): number {
  return session.receivedBytes + session.writer.sentBytes;
}

/** Within one column all are numbers, or all texts. */
const SORT_KEYS: Readonly<
  Record<Column, (client: Client) => number | string>
> = {
  node: ({ session: { admitted, route: { key } } }) =>
    admitted?.node === undefined
      ? `1${key.shortString()}` // behind those with a name
      : `0${admitted.node.toLowerCase()}`,
  address: ({ look, session: { remote: { ip } } }) =>
    look.address ??= sortableIp(ip),
  admitted: ({ session: { admitted } }) => admitted?.by ?? "",
  home: ({ session: { isHome } }) => Number(isHome),
  since: ({ session: { ageMs } }) => ageMs,
  in: ({ look: { inRate } }) => inRate ?? 0,
  out: ({ look: { outRate } }) => outRate ?? 0,
  "total-in": ({ session: { receivedBytes } }) => receivedBytes,
  "total-out": ({ session: { writer: { sentBytes } } }) => sentBytes,
  dropped: ({ session: { writer: { droppedPackets } } }) => droppedPackets,
  queue: ({ session: { writer: { queuedBytes } } }) => queuedBytes,
};

/** Text that is in order where addresses are. */
function sortableIp(ip: string): string {
  const bytes = parseIp(ip);
  return bytes === undefined ? ip : toHex(bytes);
}
