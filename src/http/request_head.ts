/** A request's head that keeps the rules of RFC 9110 and 9112. */
import type { ParsedHead } from "./head_parser.ts";
import { HttpError } from "./http_error.ts";
import { STATUS_CODE } from "./status.ts";

/** No page takes a body; what a client sends is read past, up to this much. */
export const MAX_BODY_BYTES = 64 * 1024;

/** A name, an IPv4 or a bracketed IPv6 address, and maybe a port. */
const HOST = /^(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{0,5})?$/;
const ORIGIN_FORM = /^\/[\x21-\x7e]*$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)(\/?[\x21-\x7e]*)$/i;

/** Version, method, target, `Host` and the framing of the body have been checked. */
export class RequestHead {
  readonly #fields: readonly string[];
  readonly #host: string;
  readonly method: string;
  /** Path and query; `*` with OPTIONS. */
  readonly target: string;
  readonly minor: number;
  readonly keepAlive: boolean;
  readonly bodyBytes: number;
  /** The client waits for a 100, or for an answer, before it sends the body. */
  readonly expectsContinue: boolean;

  /** @throws HttpError */
  constructor({ method, target, major, minor, keepAlive, fields }: ParsedHead) {
    if (major !== 1) {
      refuse(STATUS_CODE.HTTPVersionNotSupported, "Not HTTP/1.1 or HTTP/1.0");
    }
    if (method === "CONNECT" || method === "TRACE") {
      refuse(STATUS_CODE.MethodNotAllowed, "Method not allowed");
    }
    this.#fields = fields;
    this.method = method;
    this.minor = minor;
    this.keepAlive = keepAlive;
    const host = this.#checkHost();
    ({ host: this.#host, target: this.target } = this.#locate(target, host));
    this.bodyBytes = this.#checkBody();
    this.expectsContinue = this.#checkExpect();
  }

  /** The first value of a field; `name` in lower case. */
  header(name: string): string | undefined {
    for (let i = 0; i < this.#fields.length; i += 2) {
      if (isField(this.#fields[i]!, name)) return this.#fields[i + 1]!;
    }
    return undefined;
  }

  /** All values of a field, in their order; `name` in lower case. */
  values(name: string): string[] {
    return this.#fields.filter((_, i) =>
      i % 2 === 1 && isField(this.#fields[i - 1]!, name)
    );
  }

  /**
   * What a page is given; its body is empty (see {@linkcode MAX_BODY_BYTES}).
   *
   * @throws HttpError
   */
  toRequest(secure: boolean): Request {
    const headers = new Headers();
    for (let i = 0; i < this.#fields.length; i += 2) {
      headers.append(this.#fields[i]!, this.#fields[i + 1]!);
    }
    // Joined, not resolved: a path that begins with two slashes must not become a host.
    const host = this.#host || "localhost";
    const url = `${secure ? "https" : "http"}://${host}${this.target}`;
    if (!URL.canParse(url)) {
      refuse(STATUS_CODE.BadRequest, "Malformed Host header");
    }
    return new Request(url, { method: this.method, headers });
  }

  /** Exactly one `Host` (RFC 9112, 3.2), which HTTP/1.0 may leave out. */
  #checkHost(): string {
    const hosts = this.values("host");
    if (hosts.length > 1) {
      refuse(STATUS_CODE.BadRequest, "More than one Host header");
    }
    if (hosts.length === 0 && this.minor >= 1) {
      refuse(STATUS_CODE.BadRequest, "Missing Host header");
    }
    const host = hosts[0] ?? "";
    if (host !== "" && !HOST.test(host)) {
      refuse(STATUS_CODE.BadRequest, "Malformed Host header");
    }
    return host;
  }

  /** The forms of a target; the absolute one overrides `Host` (RFC 9112, 3.2.2). */
  #locate(target: string, host: string): { host: string; target: string } {
    if (ORIGIN_FORM.test(target)) return { host, target };
    if (target === "*" && this.method === "OPTIONS") return { host, target };
    const [, authority = "", path = ""] = ABSOLUTE_FORM.exec(target) ?? [];
    if (!HOST.test(authority)) {
      refuse(STATUS_CODE.BadRequest, "Malformed request target");
    }
    return {
      host: authority,
      target: path.startsWith("/") ? path : `/${path}`,
    };
  }

  /** How long the body is (RFC 9112, 6.3). */
  #checkBody(): number {
    const lengths = this.values("content-length");
    const coding = this.header("transfer-encoding");
    if (coding !== undefined) {
      if (lengths.length > 0 || this.minor === 0) {
        refuse(STATUS_CODE.BadRequest, "Ambiguous body length");
      }
      if (coding.toLowerCase() === "chunked") {
        refuse(STATUS_CODE.LengthRequired, "Content-Length required");
      }
      refuse(STATUS_CODE.NotImplemented, "Unknown transfer coding");
    }
    const length = lengths[0] ?? "0";
    if (lengths.length > 1 || !/^\d{1,15}$/.test(length)) {
      refuse(STATUS_CODE.BadRequest, "Malformed Content-Length");
    }
    if (Number(length) > MAX_BODY_BYTES) {
      refuse(STATUS_CODE.ContentTooLarge, "Request body over 64 KiB");
    }
    return Number(length);
  }

  /** An expectation that isn't known can't be met (RFC 9110, 10.1.1). */
  #checkExpect(): boolean {
    const expect = this.header("expect");
    if (expect === undefined) return false;
    if (expect.toLowerCase() !== "100-continue") {
      refuse(STATUS_CODE.ExpectationFailed, "Unknown expectation");
    }
    return this.minor >= 1;
  }
}

function isField(field: string, name: string): boolean {
  return field.length === name.length && field.toLowerCase() === name;
}

function refuse(status: number, message: string): never {
  throw new HttpError(status, message);
}
