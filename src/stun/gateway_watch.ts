/** Notices that requests come by way of a gateway that puts its own address in place of the clients'. */
import { logger } from "../log/log.ts";
import type { Clock } from "../util/clock.ts";
import { readUint32 } from "../util/bytes.ts";
import { parseIpv4 } from "../util/ip.ts";

const log = logger("stun");

/** As many are looked at together; then it begins anew. */
const PERIOD_MS = 10 * 60_000;
/** Different transactions of the gateway: one client may send them all in a few seconds. */
const MIN_REQUESTS = 100;
/** Ports of the gateway that they come from: a client that runs there itself has few. */
const MIN_PORTS = 8;
const MIN_SHARE = 0.95;
/** Docker's proxy stands in for IPv6 alone; IPv4 comes with the clients' addresses. */
const MIN_SHARE_WITHOUT_IPV6 = 0.2;
/** Behind the 8 bytes of type, length and cookie. */
const TX_ID_AT = 8;

/** What it needs to know. */
export interface GatewayWatchOptions {
  readonly clock: Clock;
  /** IPv4 addresses of the machine's default gateways; those that end in .1 are taken for gateways too. */
  readonly gateways?: readonly string[];
}

/** Looks at requests until it has seen such a gateway; of that it tells once. */
export class GatewayWatch {
  readonly #clock: Clock;
  /** IPv4 addresses as numbers: each request is compared with them. */
  readonly #gateways: readonly number[];
  #hasTold = false;
  #sinceMs: number;
  #requests = 0;
  #hasIpv6 = false;
  /** The first gateway that a request came from. */
  #gateway: number | undefined;
  #fromGateway = 0;
  readonly #txIds = new Set<number>();
  readonly #ports = new Set<number>();

  constructor({ clock, gateways = [] }: GatewayWatchOptions) {
    this.#clock = clock;
    this.#gateways = gateways.flatMap((text) => {
      const ip = parseIpv4(text);
      return ip === undefined ? [] : [readUint32(ip, 0)];
    });
    this.#sinceMs = clock.nowMs();
  }

  /** Notes a request, and from where it came; `ip` are 4 or 16 bytes. */
  note(request: Uint8Array, ip: Uint8Array, port: number): void {
    if (this.#hasTold) return;
    this.#requests++;
    if (ip.length !== 4) this.#hasIpv6 = true;
    else if (this.#isGateway(ip)) this.#noteGateway(request, ip, port);
    if (this.#requests % MIN_REQUESTS === 0) this.#startAnew();
  }

  #isGateway(ip: Uint8Array): boolean {
    const number = readUint32(ip, 0);
    if (this.#gateway !== undefined) return number === this.#gateway;
    const isOne = isPrivate(ip) &&
      (ip[3] === 1 || this.#gateways.includes(number));
    if (isOne) this.#gateway = number;
    return isOne;
  }

  #noteGateway(request: Uint8Array, ip: Uint8Array, port: number): void {
    this.#fromGateway++;
    if (this.#txIds.size < MIN_REQUESTS) {
      this.#txIds.add(readUint32(request, TX_ID_AT));
    }
    if (this.#ports.size < MIN_PORTS) this.#ports.add(port);
    if (this.#txIds.size === MIN_REQUESTS && this.#ports.size === MIN_PORTS) {
      this.#judge(ip);
    }
  }

  #judge(gateway: Uint8Array): void {
    const share = this.#fromGateway / this.#requests;
    const enough = this.#hasIpv6 ? MIN_SHARE : MIN_SHARE_WITHOUT_IPV6;
    if (share < enough) return;
    this.#hasTold = true;
    log.warn(
      "{percent} % of all STUN requests come from {gateway}, a gateway of this machine: their clients are told its address in place of their own, and can't connect directly; in a container, give it the host's network (--network host), or turn Docker's userland-proxy off and IPv6 of its network on",
      { percent: Math.round(share * 100), gateway: gateway.join(".") },
    );
  }

  #startAnew(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sinceMs < PERIOD_MS) return;
    this.#sinceMs = nowMs;
    this.#requests = 0;
    this.#hasIpv6 = false;
    this.#gateway = undefined;
    this.#fromGateway = 0;
    this.#txIds.clear();
    this.#ports.clear();
  }
}

/** Addresses of RFC 1918 and RFC 6598; quicker than as text, for each request is looked at. */
function isPrivate([a, b = 0]: Uint8Array): boolean {
  return a === 10 || (a === 172 && b >> 4 === 1) || (a === 192 && b === 168) ||
    (a === 100 && b >> 6 === 1);
}
