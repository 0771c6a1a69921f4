/** Whose a request is: the address at the other end of the socket, or the one that a trusted proxy tells. */
import { logger } from "../log/log.ts";
import { type RemoteAddress, UNIX_PEER } from "../net/conn.ts";
import { canonicalIp, isPublicIp } from "../util/ip.ts";
import type { IpRange } from "../util/ip_range.ts";
import { HttpError } from "./http_error.ts";
import type { RequestHead } from "./request_head.ts";
import { STATUS_CODE } from "./status.ts";

const log = logger("http");

/** What proxies say of clients; of `Forwarded` nothing is taken but that there is a proxy. */
const FORWARDING_FIELDS = ["x-forwarded-for", "x-real-ip", "forwarded"];
/** An address, an IPv6 address in brackets, and maybe a port. */
const HOP = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/;

/** Flag `-trusted-proxies`. */
export interface TrustedProxies {
  readonly ranges: readonly IpRange[];
  /** Whether those who come by the unix socket are trusted. */
  readonly unix: boolean;
}

/** Who is at the other end. */
export interface Client {
  readonly remote: RemoteAddress;
  /**
   * Absent where nothing says that there is a proxy; "trusted" where `remote`
   * was told by a trusted one; "unknown" where it is the address of a proxy,
   * and nobody knows for whom that speaks.
   */
  readonly proxy?: "trusted" | "unknown" | undefined;
}

/** Finds out the clients of one port. */
export class ClientAddresses {
  readonly #trusted: TrustedProxies;
  #hasHinted = false;
  #hasContradicted = false;

  constructor(trusted: TrustedProxies = { ranges: [], unix: false }) {
    this.#trusted = trusted;
  }

  /** Whether what comes from there is believed about whom it comes for. */
  trusts(remote: RemoteAddress): boolean {
    const { ranges, unix } = this.#trusted;
    if (remote === UNIX_PEER) return unix;
    return ranges.some((range) => range.contains(remote.ip));
  }

  /**
   * Whose a request is that came from `peer`.
   *
   * @throws HttpError
   */
  of(head: RequestHead, peer: Client): Client {
    const { remote } = peer;
    if (this.trusts(remote)) {
      const told = this.#told(head, remote);
      return told === undefined ? unknown(peer) : told;
    }
    if (FORWARDING_FIELDS.some((name) => head.header(name))) {
      this.#hint(remote);
      return unknown(peer);
    }
    return remote === UNIX_PEER ? unknown(peer) : peer;
  }

  /** What a trusted proxy tells; undefined where it doesn't, or contradicts itself. */
  #told(head: RequestHead, from: RemoteAddress): Client | undefined {
    const hops = head.values("x-forwarded-for").flatMap((value) =>
      value.split(",")
    ).map((hop) => hop.trim()).filter((hop) => hop !== "");
    const nearest = hops.length > 0 ? parse(hops.at(-1)!) : undefined;
    const origin = nearest && this.#origin(hops);
    const direct = head.values("x-real-ip").filter((value) => value !== "")
      .map((value) => parse(value.trim()));
    const remote = origin ?? direct[0];
    if (remote === undefined) return undefined;
    // A proxy that sets but one of the fields may pass the other on as it came from the client.
    const known = nearest && origin ? [nearest.ip, origin.ip] : [remote.ip];
    const stranger = direct.find(({ ip }) => !known.includes(ip));
    if (stranger === undefined) return { remote, proxy: "trusted" };
    this.#contradiction(from, [remote, stranger]);
    return undefined;
  }

  /** Each proxy adds at the end whom it was asked by: the last one that isn't a trusted proxy itself. */
  #origin(hops: readonly string[]): RemoteAddress {
    for (let at = hops.length - 1;; at--) {
      const remote = parse(hops[at]!);
      if (at === 0 || !this.trusts(remote)) return remote;
    }
  }

  /** A proxy near by that nobody has told us of makes all clients look alike. */
  #hint({ ip }: RemoteAddress): void {
    if (this.#hasHinted || isPublicIp(ip)) return;
    this.#hasHinted = true;
    log.warn(
      "requests come by way of a proxy at {ip} that isn't trusted, so all its clients count as {ip}, and none as an operator; to know them, restart with -trusted-proxies {ip}",
      { ip },
    );
  }

  #contradiction(
    { ip }: RemoteAddress,
    [one, other]: readonly [RemoteAddress, RemoteAddress],
  ): void {
    if (this.#hasContradicted) return;
    this.#hasContradicted = true;
    log.warn(
      "the proxy {ip} says that one request is from {one} and from {other}, so one of them comes from the client itself; have the proxy set both X-Forwarded-For and X-Real-IP, or remove the one that it doesn't set",
      { ip, one: one.ip, other: other.ip },
    );
  }
}

function unknown({ remote }: Client): Client {
  return { remote, proxy: "unknown" };
}

/** @throws HttpError */
function parse(hop: string): RemoteAddress {
  const [, bracketed, plain, port = "0"] = HOP.exec(hop) ?? [];
  const ip = hop.includes("%")
    ? undefined
    : canonicalIp(bracketed ?? plain ?? hop);
  if (ip !== undefined && Number(port) <= 65_535) {
    return { ip, port: Number(port) };
  }
  throw new HttpError(
    STATUS_CODE.BadRequest,
    "Malformed X-Forwarded-For or X-Real-IP header",
  );
}
