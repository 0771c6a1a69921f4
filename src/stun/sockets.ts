/** All sockets of STUN: the one of the port, and beside it one for each address where the machine has several. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import type { ListenAddress } from "../net/listen.ts";
import { defaultGateways, localAddresses } from "../net/local_addresses.ts";
import { type Cancel, type Clock, systemClock } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { parseIpv4 } from "../util/ip.ts";
import { GatewayWatch } from "./gateway_watch.ts";
import { StunServer, type StunServerOptions } from "./server.ts";

const log = logger("stun");

/** How often it is looked which addresses the machine has. */
const LOOK_MS = 30_000;
/** After an address that couldn't be bound: a new one of IPv6 is of use only after a second or two. */
const LOOK_AGAIN_MS = 3_000;
/** What is beyond has the port's socket. */
const MAX_SOCKETS = 64;
/** Loopback and IPv6 link-local. */
const UNUSUAL = /^(127\.|::1$|fe[89ab][0-9a-f]:)/i;

/** One socket, and how to get another beside it. */
export interface StunSocket {
  readonly port: number;
  /** Binds one address of the machine, on the same port. Throws where that can't be done. */
  beside(hostname: string): StunSocket;
  close(): Promise<void>;
}

/** What it is told of the machine. */
export interface StunSocketsOptions {
  readonly limiter: LogLimiter;
  readonly clock: Clock;
  /** All addresses that the machine has at the moment; absent: the port's socket is enough. */
  readonly addresses?: (() => string[]) | undefined;
}

/**
 * The system chooses the address that an answer of the port's socket leaves
 * from, which may be another than the one that was asked; a client takes no
 * answer from there. A socket with an address can only answer from that one.
 */
export class StunSockets {
  readonly #all: StunSocket;
  readonly #options: StunSocketsOptions;
  readonly #byAddress = new Map<string, StunSocket>();
  /** Addresses that couldn't be bound the last time. */
  #failed = new Set<string>();
  #cancelLook: Cancel | undefined;
  #isOverFull = false;
  #isClosed = false;

  /** `all` has the port; it is closed too. */
  constructor(all: StunSocket, options: StunSocketsOptions) {
    this.#all = all;
    this.#options = options;
    this.reload();
  }

  /**
   * Binds a UDP port and answers there.
   *
   * @throws OperatorError
   */
  static listen(
    address: ListenAddress,
    options: StunServerOptions,
  ): StunSockets {
    const watch = new GatewayWatch({
      clock: options.clock,
      gateways: defaultGateways(),
    });
    const server = StunServer.listen(address, { ...options, watch });
    const hasAll = address.hostname === undefined && server.canShare;
    return new StunSockets(server, {
      limiter: options.limiter,
      clock: systemClock, // the wheel would turn for this alone
      addresses: hasAll ? localAddresses : undefined,
    });
  }

  /** Also where the system chose it. */
  get port(): number {
    return this.#all.port;
  }

  /** Stops answering; resolves once that is so. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelLook?.();
    const sockets = [this.#all, ...this.#byAddress.values()];
    await Promise.all(sockets.map((socket) => socket.close()));
  }

  /** Looks now which addresses the machine has. */
  reload(): void {
    const { addresses, clock } = this.#options;
    if (addresses === undefined || this.#isClosed) return;
    const failed = this.#follow(ambiguousAddresses(addresses()));
    this.#failed = failed;
    this.#cancelLook?.();
    this.#cancelLook = clock.after(
      failed.size > 0 ? LOOK_AGAIN_MS : LOOK_MS,
      () => this.reload(),
    );
  }

  /** Makes sockets of new addresses, and closes those of others; returns what couldn't be bound. */
  #follow(wanted: readonly string[]): Set<string> {
    for (const [address, socket] of this.#byAddress) {
      if (wanted.includes(address)) continue;
      this.#byAddress.delete(address);
      void socket.close(); // never rejects
      log.debug("{address} has gone", { address });
    }
    this.#noteNumber(wanted.length);
    const failed = new Set<string>();
    for (const address of wanted) {
      if (this.#byAddress.has(address)) continue;
      if (this.#byAddress.size >= MAX_SOCKETS) break;
      if (!this.#bind(address)) failed.add(address);
    }
    return failed;
  }

  #bind(address: string): boolean {
    try {
      this.#byAddress.set(address, this.#all.beside(address));
      log.debug("{address} has a socket of its own", { address });
      return true;
    } catch (error) {
      if (this.#failed.has(address)) this.#logFailure(address, error);
      return false;
    }
  }

  #logFailure(address: string, error: unknown): void {
    const why = messageOf(error);
    this.#options.limiter.run("stun-address", (more) =>
      log.warn(
        "can't bind a STUN socket to {address}: {why}; answers to requests there may leave from another address{more}",
        { address, why, more },
      ));
  }

  #noteNumber(number: number): void {
    const isOverFull = number > MAX_SOCKETS;
    if (isOverFull && !this.#isOverFull) {
      log.warn(
        "this machine has {number} addresses; requests to other than {most} of them are answered from whatever address the system chooses. -a with an address has STUN there alone",
        { number, most: MAX_SOCKETS },
      );
    }
    this.#isOverFull = isOverFull;
  }
}

/**
 * Those of which the system may take another for an answer: of a family with
 * only one it can't. Loopback addresses answer to themselves, and nobody's DERP
 * map has link-local ones, which can't be bound without their interface.
 */
export function ambiguousAddresses(all: readonly string[]): string[] {
  const usual = [...new Set(all)].filter((address) => !UNUSUAL.test(address));
  const isIpv4 = (address: string) => parseIpv4(address) !== undefined;
  const families = [usual.filter(isIpv4), usual.filter((a) => !isIpv4(a))];
  return families.filter(({ length }) => length > 1).flat();
}
