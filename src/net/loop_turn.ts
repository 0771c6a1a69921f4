/** Gives way to everything else that is ready. */
import type { Turn } from "../util/clock.ts";

/** Where a firewall eats the datagram, turns take up to twice as long as this. */
const LOST_AFTER_MS = 20;

/**
 * A read that finds bytes resolves without a turn of the event loop, so one
 * busy socket could keep all others waiting for as long as data comes in. A
 * timer of 0 ms or `setImmediate` doesn't help: the runtime (tokio) looks for
 * other sockets' data only once in 61 such turns, or when it has nothing left
 * to do. Measured with a STUN flood: 1,000 round trips a second over TCP
 * instead of 70,000. So this makes the runtime run out of work: it waits for a
 * datagram that it sends to itself.
 */
export class LoopTurn implements Turn {
  readonly #socket = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
  });
  /** Numbers the turns: a datagram that comes late must not end the next turn, nor that one's the one after. */
  readonly #datagram = new Uint8Array(1);
  #waiting: PromiseWithResolvers<void> | undefined;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    void this.#receive(); // never rejects; before any send, so that it has to wait
  }

  /** Resolves when every socket that had data before the call has been looked at; whoever waits shares one turn. */
  wait(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers();
      this.#datagram[0]!++;
      // Behind the writes of this turn, which it would hold up.
      queueMicrotask(() => this.#send());
      this.#timer ??= this.#watch(this.#waiting);
    }
    return this.#waiting.promise;
  }

  /** Gives the socket back; a `wait` under way ends at once. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(1);
    try {
      for (;;) {
        await this.#socket.receive(buffer);
        if (buffer[0] === this.#datagram[0]) this.#resolve();
      }
    } catch {
      this.#resolve(); // closed
    }
  }

  #send(): void {
    if (this.#isClosed) return;
    // A send that fails is as good as a lost datagram.
    this.#socket.send(this.#datagram, this.#socket.addr).catch(() => {});
  }

  #resolve(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Ends a turn whose datagram doesn't come; looks again while there are turns, so that none costs a timer. */
  #watch(watched: PromiseWithResolvers<void>): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#timer = undefined;
      const waiting = this.#waiting;
      if (waiting === undefined) return;
      if (waiting === watched) this.#resolve();
      else this.#timer = this.#watch(waiting);
    }, LOST_AFTER_MS);
  }
}
