/** What the kernel knows of a TCP connection, found by its two ends. */
import { toHex } from "../util/bytes.ts";
import type { Cancel, Clock, Turn } from "../util/clock.ts";
import { parseIp } from "../util/ip.ts";
import type { RemoteAddress } from "./conn.ts";
import {
  ipKeyOf,
  type Libc,
  openLibc,
  portOf,
  socketAddress,
  tcpInfo,
  walkConnections,
} from "./libc.ts";

/** So that a crowd of slow clients costs one walk over all sockets in this time. */
const WALK_EVERY_MS = 500;

/** The two ends of a connection. */
export interface Ends {
  readonly port: number;
  readonly remote: RemoteAddress;
}

/** Asks the kernel. */
export class TcpState {
  readonly #clock: Clock;
  readonly #turn: Turn;
  /** Opened at the first question. */
  #libc: Libc | undefined;
  /** Who waits for the next walk, by the ends' key. */
  #wanted = new Map<string, PromiseWithResolvers<number | undefined>>();
  #walkedMs = -Infinity;
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(clock: Clock, turn: Turn) {
    this.#clock = clock;
    this.#turn = turn;
  }

  /** The descriptor of a connection, which stays the same until it is closed; undefined where it can't be found. */
  find({ port, remote }: Ends): Promise<number | undefined> {
    const ip = parseIp(remote.ip);
    if (ip === undefined || this.#isClosed) return Promise.resolve(undefined);
    const key = `${port} ${remote.port} ${toHex(ip)}`;
    let wanted = this.#wanted.get(key);
    if (wanted === undefined) {
      wanted = Promise.withResolvers();
      this.#wanted.set(key, wanted);
      this.#plan();
    }
    return wanted.promise;
  }

  /**
   * Whether the other end has acknowledged something in the last `withinMs`
   * and has room for more: then what was sent is on its way, however slowly.
   * Who doesn't read has no room, but goes on saying so.
   */
  isDraining(descriptor: number, withinMs: number): boolean {
    if (this.#isClosed) return false;
    this.#libc ??= openLibc(); // which has worked when the descriptor was found
    const info = tcpInfo(this.#libc, descriptor);
    return info !== undefined && info.lastAckMs <= withinMs &&
      info.windowBytes >= info.segmentBytes;
  }

  /** Gives the library back; what is asked later isn't known. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#answer(this.#wanted);
    this.#libc?.close();
  }

  #plan(): void {
    if (this.#cancel !== undefined) return;
    const sinceMs = this.#clock.nowMs() - this.#walkedMs;
    const delayMs = Math.max(0, WALK_EVERY_MS - sinceMs);
    this.#cancel = this.#clock.after(delayMs, () => void this.#walk());
  }

  async #walk(): Promise<void> {
    const wanted = this.#wanted;
    this.#wanted = new Map();
    try {
      await walkConnections(this.#turn, (descriptor, libc) => {
        const key = keyOf(libc, descriptor);
        if (key !== undefined) {
          wanted.get(key)?.resolve(descriptor);
          wanted.delete(key);
        }
        return wanted.size > 0 && !this.#isClosed;
      });
    } catch {
      // Without FFI nothing is known; the listener has told what else that costs.
    }
    this.#answer(wanted);
    this.#walkedMs = this.#clock.nowMs();
    this.#cancel = undefined;
    if (this.#wanted.size > 0 && !this.#isClosed) this.#plan();
  }

  #answer(wanted: Wanted): void {
    for (const { resolve } of wanted.values()) resolve(undefined);
    wanted.clear();
  }
}

type Wanted = Map<string, PromiseWithResolvers<number | undefined>>;

function keyOf(libc: Libc, descriptor: number): string | undefined {
  const remote = socketAddress(libc, descriptor, "peer");
  const own = remote && socketAddress(libc, descriptor, "own");
  return own && `${portOf(own)} ${portOf(remote)} ${ipKeyOf(remote)}`;
}
