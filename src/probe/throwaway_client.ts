/** A DERP client with a key that nobody knows, for one check. */
import { FrameType } from "../derp/frame.ts";
import type { FrameReader } from "../derp/frame_reader.ts";
import { encodeFrame, encodePong } from "../derp/messages.ts";
import type { MeshKey } from "../keys/mesh_key.ts";
import { NodePrivate, type NodePublic } from "../keys/node_key.ts";
import { introduce, upgradeToDerp } from "../mesh/derp_client.ts";
import {
  type Conn,
  ConnectionLostError,
  isConnectionLost,
  writeAll,
} from "../net/conn.ts";

/** Thrown where the relay closes the connection in place of admitting the client. */
export class TurnedAwayError extends Error {
  override readonly name = "TurnedAwayError";
}

/** A frame with a copy of its payload. */
export interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Who the client is to the relay. */
export interface ThrowawayOptions {
  /** For the Host header. */
  readonly host: string;
  readonly meshKey?: MeshKey | undefined;
}

/** Admitted; one caller at a time reads. */
export class ThrowawayClient {
  readonly key: NodePublic;
  readonly #conn: Conn;
  readonly #reader: FrameReader;

  private constructor(conn: Conn, key: NodePublic, reader: FrameReader) {
    this.#conn = conn;
    this.key = key;
    this.#reader = reader;
  }

  /**
   * Upgrades the connection and waits to be admitted; closes it where it isn't.
   *
   * @throws TurnedAwayError, ProtocolError, and what the connection throws
   */
  static async open(
    conn: Conn,
    { host, meshKey }: ThrowawayOptions,
  ): Promise<ThrowawayClient> {
    const key = NodePrivate.generate();
    try {
      const hello = await upgradeToDerp(conn, { host });
      await introduce(conn, hello, { host, key, meshKey, isProber: true })
        .catch((cause) => {
          if (!isConnectionLost(cause)) throw cause;
          throw new TurnedAwayError("turned away", { cause });
        });
      return new ThrowawayClient(conn, key.publicKey, hello.reader);
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  /** Sends one frame. */
  async send(type: FrameType, ...parts: readonly Uint8Array[]): Promise<void> {
    await writeAll(this.#conn, encodeFrame(type, ...parts));
  }

  /** Sends a packet to a key. */
  async sendPacket(to: NodePublic, packet: Uint8Array): Promise<void> {
    await this.send(FrameType.SendPacket, to.bytes, packet);
  }

  /**
   * The next frame that `wanted` takes; Pings on the way are answered, other frames left alone.
   *
   * @throws ConnectionLostError when the connection ends before
   */
  async waitFor(wanted: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const frame = await this.nextFrame();
      if (wanted(frame)) return frame;
    }
  }

  /** The next frame, whichever it is; a Ping has been answered. */
  async nextFrame(): Promise<Frame> {
    const reader = this.#reader;
    while (!reader.next()) {
      const bytes = await this.#conn.read(reader.space());
      if (bytes === null) {
        throw new ConnectionLostError("the relay closed the connection");
      }
      reader.filled(bytes);
    }
    const frame = { type: reader.type, payload: reader.payload().slice() };
    if (frame.type === FrameType.Ping) {
      await writeAll(this.#conn, encodePong(frame.payload));
    }
    return frame;
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}
