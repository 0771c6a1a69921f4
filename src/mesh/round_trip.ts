/** How long the other relay takes to answer, by DERP's Ping and Pong. */
import { FrameType } from "../derp/frame.ts";
import { encodeFrame } from "../derp/messages.ts";
import { equalBytes, writeUint32 } from "../util/bytes.ts";
import type { Cancel, Clock } from "../util/clock.ts";

const INTERVAL_MS = 30_000;
const PING_BYTES = 8;

/** Pings over one connection from when it is made until it is disposed of. */
export class RoundTrip implements Disposable {
  readonly #clock: Clock;
  readonly #send: (frame: Uint8Array) => void;
  readonly #payload = new Uint8Array(PING_BYTES);
  #pings = 0;
  /** When the Ping that is not answered yet was sent. */
  #sentMs: number | undefined;
  #cancel: Cancel = () => {};
  /** Of the last Ping that was answered; undefined again when one isn't. */
  ms: number | undefined;

  constructor(clock: Clock, send: (frame: Uint8Array) => void) {
    this.#clock = clock;
    this.#send = send;
    this.#ping();
  }

  /** Takes a Pong; one that answers no Ping of ours, or an old one, is ignored. */
  pong(payload: Uint8Array): void {
    if (this.#sentMs === undefined) return;
    if (!equalBytes(payload.subarray(0, PING_BYTES), this.#payload)) return;
    this.ms = this.#clock.nowMs() - this.#sentMs;
    this.#sentMs = undefined;
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #ping(): void {
    if (this.#sentMs !== undefined) this.ms = undefined;
    writeUint32(this.#payload, ++this.#pings, PING_BYTES - 4);
    this.#sentMs = this.#clock.nowMs();
    this.#cancel = this.#clock.after(INTERVAL_MS, () => this.#ping());
    this.#send(encodeFrame(FrameType.Ping, this.#payload));
  }
}
