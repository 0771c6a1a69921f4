/** The UDP side of STUN: answers Binding Requests next to the relay, on the same thread. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { DatagramBatch, MAX_DATAGRAM_BYTES } from "../net/datagram_batch.ts";
import { type ListenAddress, listenOn } from "../net/listen.ts";
import { type Clock, delay, type Turn } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";
import { parseIp, shortestIp } from "../util/ip.ts";
import type { GatewayWatch } from "./gateway_watch.ts";
import { classifyDatagram, ResponseEncoder } from "./message.ts";
import type { StunMetrics } from "./metrics.ts";

const log = logger("stun");

/** Datagrams taken one by one before everybody else has a turn: reads resolve without one while datagrams keep coming. */
const DATAGRAMS_PER_TURN = 8;

/** Pause after a failed read, so that a broken socket doesn't cost a core. */
const READ_BACK_OFF_MS = 100;

/** What the responder needs of a socket. */
export interface DatagramSocket {
  readonly addr: Deno.Addr;
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
  /** Looks at all requests. */
  readonly watch?: Pick<GatewayWatch, "note"> | undefined;
  /** Whether another process may have the port too; the one that came last gets all requests (Linux). */
  readonly reusePort?: boolean | undefined;
}

/** A STUN responder; it answers from the moment it is made. */
export class StunServer {
  readonly #socket: DatagramSocket;
  /** For the same socket, where that can be done. */
  readonly #batch: DatagramBatch | undefined;
  readonly #options: StunServerOptions;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;

  // Owned by the loop.
  readonly #encoder = new ResponseEncoder();
  #lastHostname = "";
  #lastIp: Uint8Array | undefined;

  constructor(
    socket: DatagramSocket,
    options: StunServerOptions,
    batch?: DatagramBatch,
  ) {
    this.#socket = socket;
    this.#batch = batch;
    this.#options = options;
    this.#done = this.#answerAll();
  }

  /**
   * Binds a UDP port and answers there.
   *
   * @throws OperatorError
   */
  static listen(
    address: ListenAddress,
    options: StunServerOptions,
  ): StunServer {
    const { reusePort } = options;
    const use = { transport: "UDP", flag: "-stun-port", reusePort } as const;
    const socket = listenOn(
      address,
      use,
      (hostname) =>
        Deno.listenDatagram({
          transport: "udp",
          hostname,
          port: address.port,
          reuseAddress: reusePort ?? false,
        }),
    );
    return StunServer.#on(socket, options);
  }

  static #on(socket: Deno.DatagramConn, options: StunServerOptions) {
    const batch = DatagramBatch.open(socket.addr as Deno.NetAddr);
    return new StunServer(socket, options, batch);
  }

  /** Whether there can be other sockets on its port. */
  get canShare(): boolean {
    return this.#batch !== undefined;
  }

  /** Binds one address of this machine on the same port, of which this socket has all; throws where that can't be done. */
  beside(hostname: string): StunServer {
    const { port } = this;
    const { reusePort } = this.#options;
    this.#batch?.setShared(true);
    try {
      const reuseAddress = true;
      const transport = "udp";
      return StunServer.#on(
        Deno.listenDatagram({ transport, hostname, port, reuseAddress }),
        this.#options,
      );
    } finally {
      if (!reusePort) this.#batch?.setShared(false); // another program finds the port in use
    }
  }

  /** Also where the system chose it. */
  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  /** Stops answering; resolves once the loop has ended. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#batch?.close();
      this.#socket.close();
    }
    await this.#done;
  }

  /**
   * The runtime waits for the first datagram; what came with it is taken and
   * answered in batches, each with one system call to take and one to send.
   */
  async #answerAll(): Promise<void> {
    const { signal } = this.#closing;
    const { turn } = this.#options;
    const buffer = new Uint8Array(MAX_DATAGRAM_BYTES);
    for (let taken = 1; !signal.aborted; taken++) {
      try {
        const [datagram, from] = await this.#socket.receive(buffer);
        await this.#answer(datagram, from as Deno.NetAddr);
      } catch (error) {
        if (signal.aborted) return;
        await this.#readFailed(error);
      }
      if (this.#batch !== undefined) await this.#answerBatches(this.#batch);
      else if (taken % DATAGRAMS_PER_TURN === 0) await turn.wait();
    }
  }

  async #answer(datagram: Uint8Array, from: Deno.NetAddr): Promise<void> {
    const { metrics } = this.#options;
    const ip = this.#parse(from.hostname);
    const response = this.#response(datagram, ip, from.port);
    if (response === undefined) return;
    try {
      await this.#socket.send(response, from);
      metrics.successes++;
    } catch {
      metrics.writeErrors++; // no route there, or a firewall of this machine
    }
  }

  /** Between two batches everybody else has a turn. */
  async #answerBatches(batch: DatagramBatch): Promise<void> {
    const { metrics, turn } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      if (signal.aborted) return;
      const taken = batch.receive();
      if (taken === 0) return;
      let replies = 0;
      for (let i = 0; i < taken; i++) {
        const response = this.#response(
          batch.datagram(i),
          batch.senderIp(i),
          batch.senderPort(i),
        );
        if (response === undefined) continue;
        batch.reply(i, response);
        replies++;
      }
      const sent = batch.send();
      metrics.successes += sent;
      metrics.writeErrors += replies - sent;
      await turn.wait();
    }
  }

  /** The answer, valid until the next one is made; undefined where there is to be none. */
  #response(
    datagram: Uint8Array,
    ip: Uint8Array | undefined,
    port: number,
  ): Uint8Array | undefined {
    const { metrics, isHealthy, watch } = this.#options;
    // One that fills the buffer may be cut off; stock clients' have 40 bytes.
    const isWhole = datagram.length < MAX_DATAGRAM_BYTES;
    if (
      !isWhole || ip === undefined || classifyDatagram(datagram) !== "request"
    ) {
      metrics.notStun++;
      return undefined;
    }
    if (ip.length === 4) metrics.ipv4++;
    else metrics.ipv6++;
    watch?.note(datagram, ip, port);
    if (isHealthy?.() === false) {
      metrics.unhealthy++;
      return undefined;
    }
    return this.#encoder.encode(datagram, ip, port);
  }

  /** The 4 or 16 bytes of an address; an IPv4 address within IPv6 is IPv4. */
  #parse(hostname: string): Uint8Array | undefined {
    if (hostname === this.#lastHostname) return this.#lastIp;
    const ip = parseIp(hostname);
    this.#lastHostname = hostname;
    this.#lastIp = ip && shortestIp(ip);
    return this.#lastIp;
  }

  async #readFailed(error: unknown): Promise<void> {
    const { metrics, limiter, clock } = this.#options;
    metrics.readErrors++;
    limiter.run(
      "stun-read",
      (more) =>
        log.error(
          "can't read from the STUN socket: {why}; trying again{more}",
          {
            why: messageOf(error),
            more,
          },
        ),
    );
    await delay(clock, READ_BACK_OFF_MS, this.#closing.signal);
  }
}
