/** The UDP side of STUN: answers Binding Requests next to the relay, on the same thread. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { type ListenAddress, listenOn } from "../net/listen.ts";
import { type Clock, delay, type Turn } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { isMappedIpv4, parseIp } from "../util/ip.ts";
import { classifyDatagram, ResponseEncoder } from "./message.ts";
import type { StunMetrics } from "./metrics.ts";

const log = logger("stun");

/** Stock clients' requests have 40 bytes; a datagram that fills the buffer may be cut off and is no request. */
const BUFFER_BYTES = 1_500;

/**
 * Datagrams taken in a row before everybody else has a turn: reads resolve
 * without one while datagrams keep coming. Under a flood a packet of the relay
 * waits for that many (60 µs); 16 of them cost its connections another third of
 * their round trips, 4 cost STUN a third of its answers.
 */
const DATAGRAMS_PER_TURN = 8;

/** Pause after a failed read, so that a broken socket doesn't cost a core. */
const READ_BACK_OFF_MS = 100;

/** What the responder needs of a socket. */
export interface DatagramSocket {
  receive(buffer: Uint8Array): Promise<[Uint8Array, Deno.Addr]>;
  send(datagram: Uint8Array, to: Deno.Addr): Promise<number>;
  close(): void;
}

export interface StunServerOptions {
  readonly metrics: StunMetrics;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  readonly turn: Turn;
  /**
   * Asked about each request: while the relay can't relay, there is no answer,
   * because clients choose their home by STUN alone. Absent: always answered.
   */
  readonly isHealthy?: (() => boolean) | undefined;
}

/** A STUN responder; it answers from the moment it is made. */
export class StunServer {
  readonly #socket: DatagramSocket;
  readonly #options: StunServerOptions;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;

  // Owned by the loop.
  readonly #encoder = new ResponseEncoder();
  #lastHostname = "";
  #lastIp: Uint8Array | undefined;

  constructor(socket: DatagramSocket, options: StunServerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#done = this.#answerAll();
  }

  /** Stops answering; resolves once the loop has ended. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#socket.close();
    }
    await this.#done;
  }

  async #answerAll(): Promise<void> {
    const { signal } = this.#closing;
    const buffer = new Uint8Array(BUFFER_BYTES);
    for (let taken = 1; !signal.aborted; taken++) {
      try {
        const [datagram, from] = await this.#socket.receive(buffer);
        await this.#answer(datagram, from as Deno.NetAddr);
      } catch (error) {
        if (signal.aborted) return;
        await this.#readFailed(error);
      }
      if (taken % DATAGRAMS_PER_TURN === 0) await this.#options.turn.wait();
    }
  }

  async #answer(datagram: Uint8Array, from: Deno.NetAddr): Promise<void> {
    const { metrics, isHealthy } = this.#options;
    const ip = datagram.length < BUFFER_BYTES &&
        classifyDatagram(datagram) === "request"
      ? this.#parse(from.hostname)
      : undefined;
    if (ip === undefined) {
      metrics.notStun++;
      return;
    }
    if (ip.length === 4) metrics.ipv4++;
    else metrics.ipv6++;
    if (isHealthy?.() === false) {
      metrics.unhealthy++;
      return;
    }
    const response = this.#encoder.encode(datagram, ip, from.port);
    try {
      await this.#socket.send(response, from);
      metrics.successes++;
    } catch {
      metrics.writeErrors++; // no route there, or a firewall of this machine
    }
  }

  /** The 4 or 16 bytes of an address; an IPv4 address within IPv6 is IPv4. */
  #parse(hostname: string): Uint8Array | undefined {
    if (hostname === this.#lastHostname) return this.#lastIp;
    const ip = parseIp(hostname);
    this.#lastHostname = hostname;
    this.#lastIp = ip && isMappedIpv4(ip) ? ip.subarray(12) : ip;
    return this.#lastIp;
  }

  async #readFailed(error: unknown): Promise<void> {
    const { metrics, limiter, clock } = this.#options;
    metrics.readErrors++;
    limiter.run(
      "stun-read",
      () =>
        log.error("can't read from the STUN socket: {why}; trying again", {
          why: messageOf(error),
        }),
    );
    await delay(clock, READ_BACK_OFF_MS, this.#closing.signal);
  }
}

/**
 * A UDP socket for STUN.
 *
 * @throws OperatorError
 */
export function listenStun(address: ListenAddress): Deno.DatagramConn {
  const use = { transport: "UDP", flag: "-stun-port" } as const;
  const { port } = address;
  return listenOn(
    address,
    use,
    (hostname) => Deno.listenDatagram({ transport: "udp", hostname, port }),
  );
}
