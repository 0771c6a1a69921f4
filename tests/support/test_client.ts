/** One client of a relay, over any connection, that does frame by frame what a test says. */
import {
  FrameType,
  type FrameType as Type,
  SERVER_LIMITS,
} from "../../src/derp/frame.ts";
import { FrameReader } from "../../src/derp/frame_reader.ts";
import { decodeServerKey, encodeFrame } from "../../src/derp/messages.ts";
import type { NodePrivate, NodePublic } from "../../src/keys/node_key.ts";
import {
  type DerpClientOptions,
  introduce,
  upgradeToDerp,
} from "../../src/mesh/derp_client.ts";
import { type Conn, writeAll } from "../../src/net/conn.ts";
import { toHex } from "../../src/util/bytes.ts";
import { settle } from "./fake_clock.ts";

/** A frame with a copy of its payload. */
export interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Who the client is; the host is only asked for where there is HTTP. */
export type TestClientOptions =
  & Omit<DerpClientOptions, "host">
  & { readonly host?: string };

/** Reads only when it is asked for a frame, so a test can let the relay's writes wait. */
export class TestClient implements Disposable {
  readonly conn: Conn;
  readonly key: NodePrivate;
  readonly serverKey: NodePublic;
  readonly #reader: FrameReader;
  /** A read that has begun and whose result nobody has used yet. */
  #reading: Promise<number | null> | undefined;

  private constructor(
    conn: Conn,
    key: NodePrivate,
    hello: { serverKey: NodePublic; reader: FrameReader },
  ) {
    this.conn = conn;
    this.key = key;
    this.serverKey = hello.serverKey;
    this.#reader = hello.reader;
  }

  /** Shakes hands on a connection that speaks DERP from its first byte. */
  static async overDerp(
    conn: Conn,
    options: TestClientOptions,
  ): Promise<TestClient> {
    const reader = new FrameReader(SERVER_LIMITS, new Uint8Array());
    while (!reader.next()) {
      const bytes = await conn.read(reader.space());
      if (bytes === null) throw new Error("No ServerKey before the end");
      reader.filled(bytes);
    }
    const serverKey = decodeServerKey(reader.payload());
    return await TestClient.#introduce(conn, { serverKey, reader }, options);
  }

  /** Upgrades from HTTP and shakes hands. */
  static async overHttp(
    conn: Conn,
    options: TestClientOptions,
  ): Promise<TestClient> {
    const hello = await upgradeToDerp(conn, { host: "derp.test", ...options });
    return await TestClient.#introduce(conn, hello, options);
  }

  static async #introduce(
    conn: Conn,
    hello: { serverKey: NodePublic; reader: FrameReader },
    options: TestClientOptions,
  ): Promise<TestClient> {
    await introduce(conn, hello, { host: "derp.test", ...options });
    return new TestClient(conn, options.key, hello);
  }

  get publicKey(): NodePublic {
    return this.key.publicKey;
  }

  /** Writes bytes that may be anything. */
  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.conn, bytes);
  }

  /** Sends one frame. */
  async send(type: Type, ...parts: readonly Uint8Array[]): Promise<void> {
    await this.write(encodeFrame(type, ...parts));
  }

  /** Sends a packet to a key. */
  async sendPacket(to: NodePublic, packet: Uint8Array): Promise<void> {
    await this.send(FrameType.SendPacket, to.bytes, packet);
  }

  /** The next frame; rejects when the connection ends before. */
  async nextFrame(): Promise<Frame> {
    while (!this.#reader.next()) {
      const bytes = await this.#read();
      if (bytes === null) throw new Error("The connection ended; no frame");
      this.#reader.filled(bytes);
    }
    return this.#frame();
  }

  /** The next frame's payload; rejects when it is of another type. */
  async expect(type: Type): Promise<Uint8Array> {
    const frame = await this.nextFrame();
    if (frame.type === type) return frame.payload;
    throw new Error(`Frame ${describe(frame)} instead of type ${type}`);
  }

  /** The packet of the next RecvPacket and who sent it; rejects for another frame. */
  async expectPacket(): Promise<{ source: string; packet: Uint8Array }> {
    const payload = await this.expect(FrameType.RecvPacket);
    return {
      source: toHex(payload.subarray(0, 32)),
      packet: payload.subarray(32),
    };
  }

  /** The frames that are there, or come without the help of time; for connections in memory. */
  async drain(): Promise<Frame[]> {
    const frames: Frame[] = [];
    await settle();
    for (;;) {
      while (this.#reader.next()) frames.push(this.#frame());
      const bytes = await Promise.race([this.#beginRead(), settled()]);
      if (bytes === "none") return frames;
      this.#reading = undefined;
      if (bytes === null) throw new Error("The connection ended");
      this.#reader.filled(bytes);
    }
  }

  /** Rejects if `drain()` finds any frame. */
  async expectNone(): Promise<void> {
    const frames = await this.drain();
    if (frames.length === 0) return;
    throw new Error(`Frame ${describe(frames[0]!)} instead of none`);
  }

  /** Reads until the relay ends the connection; the frames up to there. */
  async expectEnd(): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (;;) {
      while (this.#reader.next()) frames.push(this.#frame());
      const bytes = await this.#read().catch(() => null);
      if (bytes === null) return frames;
      this.#reader.filled(bytes);
    }
  }

  close(): void {
    this.conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #read(): Promise<number | null> {
    const bytes = await this.#beginRead();
    this.#reading = undefined;
    return bytes;
  }

  /** A read that outlives whoever began it: its result goes to the next one who asks. */
  #beginRead(): Promise<number | null> {
    return this.#reading ??= this.conn.read(this.#reader.space());
  }

  #frame(): Frame {
    return { type: this.#reader.type, payload: this.#reader.payload().slice() };
  }
}

async function settled(): Promise<"none"> {
  await settle();
  return "none";
}

function describe({ type, payload }: Frame): string {
  return `${type} with ${toHex(payload.subarray(0, 40))}`;
}
