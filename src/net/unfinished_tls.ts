/** Really ends TLS connections that were closed before their handshake. */
import type { Cancel, Clock, Turn } from "../util/clock.ts";
import { toHex } from "../util/bytes.ts";
import { parseIp } from "../util/ip.ts";
import type { RemoteAddress } from "./conn.ts";
import {
  ipKeyOf,
  type Libc,
  portOf,
  socketAddress,
  walkConnections,
} from "./libc.ts";

/** So that a flood costs one walk over all sockets in this time. */
const COLLECT_MS = 5_000;
const SHUT_RDWR = 2;

/**
 * The runtime finishes the handshake of a TLS connection even after its close,
 * without a deadline: a client that connects and stays silent would hold its
 * socket for as long as it likes (Deno 2.6 and 2.9). The handshake ends when the
 * socket is shut down, for which it has to be found by its peer's address.
 */
export class UnfinishedTls {
  readonly #clock: Clock;
  readonly #turn: Turn;
  /** Their peers' IP addresses in hexadecimal, by port. */
  #peers: Peers = new Map();
  #cancel: Cancel | undefined;
  #ending: Promise<void> | undefined;

  constructor(clock: Clock, turn: Turn) {
    this.#clock = clock;
    this.#turn = turn;
  }

  /** A connection with this peer was closed before anything was read. */
  add({ ip, port }: RemoteAddress): void {
    const bytes = parseIp(ip);
    if (bytes === undefined) return;
    const peers = this.#peers.get(port) ?? new Set();
    this.#peers.set(port, peers.add(toHex(bytes)));
    this.#cancel ??= this.#clock.after(COLLECT_MS, () => void this.end());
  }

  /** Ends those collected now. */
  async end(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const peers = this.#peers;
    this.#peers = new Map();
    await this.#ending;
    if (peers.size > 0) await (this.#ending = this.#endAll(peers));
  }

  async #endAll(peers: Peers): Promise<void> {
    try {
      await walkConnections(this.#turn, (descriptor, libc) => {
        endIfAmong(peers, libc, descriptor);
        return true;
      });
    } catch {
      // Without FFI they stay; the listener has told what else that costs.
    }
  }
}

type Peers = Map<number, Set<string>>;

function endIfAmong(peers: Peers, libc: Libc, descriptor: number): void {
  const address = socketAddress(libc, descriptor, "peer");
  if (address === undefined) return;
  if (!peers.get(portOf(address))?.has(ipKeyOf(address))) return;
  libc.symbols.shutdown(descriptor, SHUT_RDWR);
}
