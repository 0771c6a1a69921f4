/** A client that costs as little as it can, so that the relay is what is measured. */
import {
  FRAME_HEADER_BYTES,
  FrameType,
  writeFrameHeader,
} from "../../src/derp/frame.ts";
import { encodeFrame } from "../../src/derp/messages.ts";
import type { FrameReader } from "../../src/derp/frame_reader.ts";
import { KEY_BYTES, type NodePrivate } from "../../src/keys/node_key.ts";
import { introduce, upgradeToDerp } from "../../src/mesh/derp_client.ts";
import { type Conn, writeAll } from "../../src/net/conn.ts";
import { dialTls } from "../../src/net/dial.ts";
import type { Turn } from "../../src/util/clock.ts";
import { TurnBudget } from "../../src/util/turn_budget.ts";

const CONNECT_MS = 60_000;
/** What waits for a write; two such buffers per client that sends. */
const OUT_BYTES = 64 * 1024;

/** Where a relay listens, and the certificate to trust. */
export interface RelayAddress {
  readonly host: string;
  readonly port: number;
  readonly certificate: string;
  /** Where it is reached under another address than the certificate's. */
  readonly dialHost?: string;
}

/** Called with where a packet stands; valid until it returns. */
export type OnPacket = (buffer: Uint8Array, start: number, end: number) => void;

/** An admitted client; reads from the start on. */
export class LoadClient {
  readonly key: Uint8Array;
  onPacket: OnPacket | undefined;
  readonly #conn: Conn;
  readonly #reader: FrameReader;
  readonly #budget: TurnBudget;
  #isClosed = false;
  #lostBy: string | undefined;
  /** What the next write takes, and what the one under way has; made at the first packet. */
  #filling: Uint8Array | undefined;
  #spare: Uint8Array | undefined;
  #filledBytes = 0;
  #writing: Promise<void> | undefined;

  private constructor(
    conn: Conn,
    reader: FrameReader,
    { key, turn }: { key: NodePrivate; turn: Turn },
  ) {
    this.#conn = conn;
    this.#reader = reader;
    this.#budget = new TurnBudget(turn);
    this.key = key.publicKey.bytes;
    void this.#readAll();
  }

  /** Connects, and waits to be admitted. */
  static async connect(
    at: RelayAddress,
    { key, turn }: { key: NodePrivate; turn: Turn },
  ): Promise<LoadClient> {
    const signal = AbortSignal.timeout(CONNECT_MS);
    const conn = await dialTls(
      { host: at.host, port: at.port, dialHost: at.dialHost ?? at.host },
      { caCerts: [at.certificate], signal },
    );
    const close = () => conn.close();
    signal.addEventListener("abort", close);
    try {
      const options = { host: at.host, key };
      const hello = await upgradeToDerp(conn, options);
      await introduce(conn, hello, options);
      return new LoadClient(conn, hello.reader, { key, turn });
    } catch (error) {
      conn.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", close);
    }
  }

  /** Why the connection ended, where it wasn't we who closed it. */
  get lostBy(): string | undefined {
    return this.#lostBy;
  }

  /** Takes a copy of the packet for the next write; false where too much waits already. */
  sendPacket(to: Uint8Array, packet: Uint8Array): boolean {
    const payloadBytes = KEY_BYTES + packet.length;
    const offset = this.#filledBytes;
    const frameBytes = FRAME_HEADER_BYTES + payloadBytes;
    if (offset + frameBytes > OUT_BYTES || this.#hasEnded) return false;
    const into = this.#filling ??= new Uint8Array(OUT_BYTES);
    const type = FrameType.SendPacket;
    const key = writeFrameHeader(into, type, { offset, payloadBytes });
    into.set(to, key);
    into.set(packet, key + KEY_BYTES);
    this.#filledBytes = offset + frameBytes;
    this.#writing ??= this.#write();
    return true;
  }

  /** Resolves when all that was sent has been written. */
  drained(): Promise<void> {
    return this.#writing ?? Promise.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.#conn.close();
  }

  get #hasEnded(): boolean {
    return this.#isClosed || this.#lostBy !== undefined;
  }

  async #write(): Promise<void> {
    try {
      while (this.#filledBytes > 0) {
        const bytes = this.#filling!.subarray(0, this.#filledBytes);
        const next = this.#spare ?? new Uint8Array(OUT_BYTES);
        [this.#spare, this.#filling] = [this.#filling, next];
        this.#filledBytes = 0;
        await writeAll(this.#conn, bytes);
      }
    } catch (error) {
      this.#lose(error);
    } finally {
      this.#writing = undefined;
    }
  }

  async #readAll(): Promise<void> {
    const reader = this.#reader;
    try {
      for (;;) {
        let frames = 0;
        for (; reader.next(); frames++) this.#take();
        const bytes = await this.#conn.read(reader.space());
        if (bytes === null) throw new Error("the relay closed the connection");
        reader.filled(bytes);
        const turn = this.#budget.spend(bytes, frames);
        if (turn !== undefined) await turn;
      }
    } catch (error) {
      this.#lose(error);
    }
  }

  #take(): void {
    const { type, buffer, start, end } = this.#reader;
    if (type === FrameType.RecvPacket) {
      this.onPacket?.(buffer, start + KEY_BYTES, end);
    } else if (type === FrameType.Ping) {
      const pong = encodeFrame(FrameType.Pong, this.#reader.payload());
      void writeAll(this.#conn, pong).catch((error) => this.#lose(error));
    }
  }

  #lose(error: unknown): void {
    if (this.#hasEnded) return;
    this.#lostBy = String(error);
    this.#conn.close();
  }
}
