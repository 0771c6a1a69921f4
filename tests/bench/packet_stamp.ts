/** What a packet of a benchmark carries: when it was sent, and to which part of the measurement it belongs. */

/** The stamp is a packet's end, so that its beginning may be what the relay looks at. */
export const STAMP_BYTES = 16;
/** As the relay recognizes path discovery: "TS" and U+1F4AC in UTF-8. */
const DISCO_MAGIC = [0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac];

/** Makes packets of one size; `read` works for those of any. */
export class PacketStamp {
  readonly #packet: Uint8Array;
  /** Time in ms, epoch. */
  readonly #stamp = new Float64Array(2);
  readonly #stampBytes = new Uint8Array(this.#stamp.buffer);

  constructor(packetBytes: number, kind: "disco" | "other" = "other") {
    this.#packet = new Uint8Array(Math.max(packetBytes, STAMP_BYTES));
    if (kind === "disco") this.#packet.set(DISCO_MAGIC);
  }

  /** A packet sent at `nowMs`; valid until the next one. */
  write(nowMs: number, epoch: number): Uint8Array {
    this.#stamp[0] = nowMs;
    this.#stamp[1] = epoch;
    this.#packet.set(this.#stampBytes, this.#packet.length - STAMP_BYTES);
    return this.#packet;
  }

  /** When the packet that ends at `end` was sent; undefined where it is of another epoch. */
  readSentMs(
    buffer: Uint8Array,
    end: number,
    epoch: number,
  ): number | undefined {
    this.#stampBytes.set(buffer.subarray(end - STAMP_BYTES, end));
    return this.#stamp[1] === epoch ? this.#stamp[0] : undefined;
  }
}
