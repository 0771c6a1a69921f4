/** The reading half of an HTTP connection: heads, bodies that are read past, and what comes behind. */
import type { Conn } from "../net/conn.ts";
import { parseProxyHeader } from "../net/proxy_protocol.ts";
import type { Clock, Turn } from "../util/clock.ts";
import { Deadline, DeadlineError } from "./deadline.ts";
import { HeadParser } from "./head_parser.ts";
import { HttpError } from "./http_error.ts";
import { RequestHead } from "./request_head.ts";
import { STATUS_CODE } from "./status.ts";

/** For a head, for a body, and between two requests; derper's limit. */
const READ_TIMEOUT_MS = 30_000;
/** All that a connection holds while it waits for its first bytes. */
const BUFFER_BYTES = 2 * 1024;
/** A read that finds bytes gives nobody else a turn. */
const FILLS_PER_TURN = 16;
/**
 * What is read past before a close. A socket closed with unread bytes is reset,
 * and the client might never see the answer.
 */
const DRAIN_BYTES = 256 * 1024;
const DRAIN_MS = 500;

/** Reads requests in turn; one call at a time. */
export class RequestReader {
  readonly #conn: Conn;
  readonly #clock: Clock;
  readonly #turn: Turn;
  #fills = 0;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  /** The part of the buffer that was read and not used yet. */
  #unread = this.#buffer.subarray(0, 0);

  constructor(conn: Conn, { clock, turn }: { clock: Clock; turn: Turn }) {
    this.#conn = conn;
    this.#clock = clock;
    this.#turn = turn;
  }

  /** How many bytes are here that belong to no request yet. */
  get unreadBytes(): number {
    return this.#unread.length;
  }

  /** Whether a request that could not be read looks like a PROXY header; asked while nothing else has been read. */
  get isProxyHeader(): boolean {
    if (this.#fills > 1) return false;
    const { kind } = parseProxyHeader(this.#buffer);
    return kind === "header" || kind === "malformed";
  }

  /** A copy of those, for who takes the connection over; the buffer then goes with this reader. */
  rest(): Uint8Array {
    return this.#unread.slice();
  }

  /**
   * The next request's head; undefined where the client sends none in time.
   *
   * @throws HttpError, and what conn.read() rejects with
   */
  async next(): Promise<RequestHead | undefined> {
    const deadline = new Deadline(this.#clock, READ_TIMEOUT_MS);
    if (this.#unread.length === 0 && !(await this.#first(deadline))) {
      return undefined;
    }
    const parser = new HeadParser();
    for (;;) {
      this.#unread = this.#unread.subarray(parser.push(this.#unread));
      if (parser.head !== undefined) return new RequestHead(parser.head);
      await this.#more(deadline);
    }
  }

  /**
   * Reads past a body.
   *
   * @throws as next()
   */
  async skip(bytes: number): Promise<void> {
    const deadline = new Deadline(this.#clock, READ_TIMEOUT_MS);
    let left = bytes;
    while (left > 0) {
      if (this.#unread.length === 0) await this.#more(deadline);
      const part = Math.min(left, this.#unread.length);
      this.#unread = this.#unread.subarray(part);
      left -= part;
    }
  }

  /** Reads past what still comes, for a short while. Never rejects. */
  async drain(): Promise<void> {
    const deadline = new Deadline(this.#clock, DRAIN_MS);
    let left = DRAIN_BYTES;
    try {
      while (left > 0 && await this.#fill(deadline)) {
        left -= this.#unread.length;
      }
    } catch {
      // broken or still sending: closed either way
    }
  }

  /** Resolves when the client says anything more, or has gone; there is no deadline, and no reading after it. Never rejects. */
  async heard(): Promise<void> {
    try {
      if (this.#unread.length === 0) await this.#conn.read(this.#buffer);
    } catch {
      // broken, or closed by us
    }
  }

  /** The first bytes of a request; false where none come. Who says nothing isn't told anything. */
  async #first(deadline: Deadline): Promise<boolean> {
    try {
      return await this.#fill(deadline);
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  }

  /** More bytes of a request that has begun. */
  async #more(deadline: Deadline): Promise<void> {
    try {
      if (await this.#fill(deadline)) return;
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      throw new HttpError(STATUS_CODE.RequestTimeout, "Request too slow");
    }
    throw new HttpError(STATUS_CODE.BadRequest, "Unfinished request");
  }

  /** Fills the buffer anew; false at the end of the stream. */
  async #fill(deadline: Deadline): Promise<boolean> {
    if (++this.#fills % FILLS_PER_TURN === 0) await this.#turn.wait();
    const bytes = await deadline.wait(this.#conn.read(this.#buffer));
    this.#unread = this.#buffer.subarray(0, bytes ?? 0);
    return bytes !== null;
  }
}
