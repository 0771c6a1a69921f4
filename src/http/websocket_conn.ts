/** A WebSocket as a `Conn`. */
import type { Buffer } from "node:buffer";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import { ProtocolError } from "../derp/errors.ts";
import {
  type Conn,
  ConnectionLostError,
  type RemoteAddress,
} from "../net/conn.ts";

/** Go clients refuse longer messages than 32 KiB. */
const MAX_SENT_BYTES = 32 * 1024 - 1;
/** With as much waiting for read(), nothing more is taken from the network. */
const MAX_WAITING_BYTES = 64 * 1024;
const MAX_WAITING_MESSAGES = 1024;
/** RFC 6455, 7.4.1: a kind of data that can't be accepted. */
const UNSUPPORTED_DATA = 1003;

interface PendingRead {
  readonly into: Uint8Array;
  readonly resolve: (bytes: number | null) => void;
  readonly reject: (error: Error) => void;
}

/** Bytes of binary messages both ways; where a message begins or ends has no meaning. */
export class WebSocketConn implements Conn {
  readonly remote: RemoteAddress;
  readonly #socket: WebSocket;
  readonly #under: Conn;
  #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #reader: PendingRead | undefined;
  #ended = false;
  /** What the client did against RFC 6455; told when all before it has been read. */
  #violation: ProtocolError | undefined;

  /** `under` carries the socket. */
  constructor(socket: WebSocket, under: Conn) {
    this.#socket = socket;
    this.#under = under;
    this.remote = under.remote;
    socket.on(
      "message",
      (data, isBinary) => this.#onMessage(data as Buffer, isBinary),
    );
    socket.on("error", ({ message }) => this.#fail(message)); // the client gets it in a close frame
    socket.on("close", () => this.#end());
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.#receivedBytes > 0) return Promise.resolve(this.#take(into));
    if (this.#violation !== undefined) return Promise.reject(this.#violation);
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) =>
      this.#reader = { into, resolve, reject }
    );
  }

  /** Sends one message; resolves when the connection under it has taken it. */
  write(data: Uint8Array): Promise<number> {
    const part = data.subarray(0, MAX_SENT_BYTES);
    return new Promise((resolve, reject) => {
      this.#socket.send(part, (cause) => {
        if (!cause) return resolve(part.length);
        reject(new ConnectionLostError("The WebSocket is closed", { cause }));
      });
    });
  }

  async isDraining(withinMs: number): Promise<boolean> {
    return await this.#under.isDraining?.(withinMs) ?? false;
  }

  /** Without a close frame, as a connection that breaks; unless one is under way, which ws sees through. */
  close(): void {
    this.#end();
    this.#received = [];
    this.#receivedBytes = 0;
    if (this.#socket.readyState !== this.#socket.CLOSING) {
      this.#socket.terminate();
    }
  }

  #onMessage(data: Uint8Array, isBinary: boolean): void {
    if (!isBinary) {
      this.#socket.close(UNSUPPORTED_DATA, "DERP is binary");
      return this.#fail("a text message, and DERP is binary");
    }
    if (this.#ended || data.length === 0) return;
    this.#received.push(data);
    this.#receivedBytes += data.length;
    if (this.#isFull()) this.#socket.pause();
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    reader.resolve(this.#take(reader.into));
  }

  /** Moves what is there into `into`; there is something. */
  #take(into: Uint8Array): number {
    let filled = 0;
    let used = 0;
    for (const message of this.#received) {
      const part = message.subarray(0, into.length - filled);
      into.set(part, filled);
      filled += part.length;
      if (part.length < message.length) {
        this.#received[used] = message.subarray(part.length);
        break;
      }
      used++;
    }
    this.#received.splice(0, used);
    this.#receivedBytes -= filled;
    if (this.#socket.isPaused && !this.#isFull()) this.#socket.resume();
    return filled;
  }

  #isFull(): boolean {
    return this.#receivedBytes >= MAX_WAITING_BYTES ||
      this.#received.length >= MAX_WAITING_MESSAGES;
  }

  #fail(why: string): void {
    if (this.#ended) return;
    this.#violation = new ProtocolError("websocket", `WebSocket: ${why}`);
    this.#reader?.reject(this.#violation);
    this.#reader = undefined;
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#reader?.resolve(null);
    this.#reader = undefined;
  }
}
