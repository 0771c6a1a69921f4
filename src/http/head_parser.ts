/** The head of a request, parsed by http-parser-js and somewhat more strictly than by itself. */
import { Buffer } from "node:buffer";
import { HTTPParser, methods } from "http-parser-js";
import { HttpError } from "./http_error.ts";
import { STATUS_CODE } from "./status.ts";

/** Request line and fields, all that a head may have. */
export const MAX_HEAD_BYTES = 16 * 1024;
/** Far more than browsers and proxies send, and few enough to look through one by one. */
export const MAX_FIELDS = 100;

/** A field name is a token (RFC 9110, 5.6.2), a value has no control characters but the tab (5.5). */
// deno-lint-ignore no-control-regex
const FIELD = /^[!#$%&'*+\-.^_`|~\w]+:[^\x00-\x08\x0a-\x1f\x7f]*$/;

/** What a head says, as it was sent; nothing in it has been judged yet. */
export interface ParsedHead {
  readonly method: string;
  readonly target: string;
  readonly major: number;
  readonly minor: number;
  /** Whether version and `Connection` field leave the connection open after the answer. */
  readonly keepAlive: boolean;
  /** Names and values in turn. */
  readonly fields: readonly string[];
}

/**
 * By itself, http-parser-js skips a line that is no field. It is given heads
 * only: a negative chunk size in a body makes it loop for ever.
 */
class StrictParser extends HTTPParser {
  override parseHeader(line: string, headers: string[]): void {
    if (!FIELD.test(line)) {
      throw new HttpError(STATUS_CODE.BadRequest, "Malformed header field");
    }
    if (headers.length >= MAX_FIELDS * 2) {
      throw new HttpError(
        STATUS_CODE.RequestHeaderFieldsTooLarge,
        "Too many header fields",
      );
    }
    super.parseHeader(line, headers);
  }
}

/** Parses the head of one request from chunks of any size. */
export class HeadParser {
  readonly #parser: InstanceType<typeof HTTPParser>;
  #bytes = 0;
  #head: ParsedHead | undefined;

  constructor() {
    // A setting of the library as a whole. Its "ascii" cuts the top bit off, and 0x8a becomes a line end.
    HTTPParser.encoding = "latin1";
    this.#parser = new StrictParser(HTTPParser.REQUEST);
    this.#parser[HTTPParser.kOnHeadersComplete] = (info) => {
      this.#head = {
        method: methods[info.method]!,
        target: info.url,
        major: info.versionMajor,
        minor: info.versionMinor,
        keepAlive: info.shouldKeepAlive,
        fields: info.headers,
      };
      return 2; // stop behind the head, whatever it says of a body
    };
  }

  /** Set once a push() has completed the head. */
  get head(): ParsedHead | undefined {
    return this.#head;
  }

  /**
   * Parses on and returns how many bytes of `chunk` belong to the head.
   *
   * @throws HttpError
   */
  push(chunk: Uint8Array): number {
    const result = this.#parser.execute(
      Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength),
    );
    if (result instanceof HttpError) throw result;
    if (typeof result !== "number") {
      throw new HttpError(STATUS_CODE.BadRequest, "Malformed request");
    }
    this.#bytes += result;
    const most = this.#head === undefined ? MAX_HEAD_BYTES - 1 : MAX_HEAD_BYTES;
    if (this.#bytes > most) {
      throw new HttpError(
        STATUS_CODE.RequestHeaderFieldsTooLarge,
        "Request head over 16 KiB",
      );
    }
    return result;
  }
}
