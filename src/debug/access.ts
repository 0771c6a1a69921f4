/** Who may see the pages for operators: derper's rule (`tsweb.AllowDebugAccess`), with its environment variables. */
import { readSmallFile } from "../files/small_file.ts";
import type { RequestInfo } from "../http/connection.ts";
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import { equalConstantTime } from "../util/bytes.ts";
import { messageOf } from "../util/error_message.ts";
import { IpRange } from "../util/ip_range.ts";
import { OperatorError } from "../util/operator_error.ts";

const log = logger("debug");

const MAX_KEY_FILE_BYTES = 16 * 1024;

const LOOPBACK = ranges("127.0.0.0/8", "::1/128");
const TAILSCALE = ranges("100.64.0.0/10", "fd7a:115c:a1e0::/48");
/** Within the range above, but ChromeOS's containers' and never a node's. */
const NOT_TAILSCALE = ranges("100.115.92.0/23");

/** The environment's variables, where they are set. */
export interface DebugAccessOptions {
  /** TS_ALLOW_DEBUG_IP: one more address. */
  readonly allowIp?: string | undefined;
  /** TS_DEBUG_TRUSTED_CIDRS: ranges of addresses, with commas in between. */
  readonly trustedCidrs?: string | undefined;
  /** TS_DEBUG_KEY_PATH: a file with the key for `?debugkey=`; read anew each time. */
  readonly keyPath?: string | undefined;
  readonly limiter: LogLimiter;
}

/** Decides who may see the pages for operators. */
export class DebugAccess {
  readonly #options: DebugAccessOptions;
  readonly #trusted: readonly IpRange[];

  private constructor(options: DebugAccessOptions) {
    this.#options = options;
    this.#trusted = parseTrusted(options.trustedCidrs ?? "");
  }

  /**
   * Checks the variables, and reads the key once to see that it can be read.
   *
   * @throws OperatorError
   */
  static async create(options: DebugAccessOptions): Promise<DebugAccess> {
    const access = new DebugAccess(options);
    if (options.keyPath) await readKey(options.keyPath);
    return access;
  }

  /** Whether whoever sent `request` may see them. */
  readonly allows = async (
    request: Request,
    { remote: { ip }, proxy }: RequestInfo,
  ): Promise<boolean> => {
    if (await this.#hasKey(request)) return true;
    // Behind a proxy nobody's address is known, unless that is trusted and tells.
    if (proxy === "unknown") {
      this.#logUnknown(request, ip);
      return false;
    }
    const isIn = (range: IpRange) => range.contains(ip);
    // A proxy's loopback needn't be ours, and who is here needs no proxy.
    return proxy === undefined && LOOPBACK.some(isIn) ||
      TAILSCALE.some(isIn) && !NOT_TAILSCALE.some(isIn) ||
      ip === this.#options.allowIp || this.#trusted.some(isIn);
  };

  #logUnknown({ url }: Request, ip: string): void {
    const { pathname } = new URL(url);
    if (!pathname.startsWith("/debug")) return;
    this.#options.limiter.run(
      "debug_proxy",
      (more) =>
        log.info(
          "refused {pathname} to a client behind the proxy {ip}, for it isn't known which; have the proxy send X-Forwarded-For, and name it in -trusted-proxies{more}",
          { pathname, ip, more },
        ),
    );
  }

  async #hasKey({ method, url }: Request): Promise<boolean> {
    const { keyPath, limiter } = this.#options;
    if (!keyPath || method !== "GET") return false;
    const given = new URL(url).searchParams.get("debugkey") ?? "";
    if (given === "") return false;
    try {
      const encoder = new TextEncoder();
      const key = await readKey(keyPath);
      return equalConstantTime(encoder.encode(given), encoder.encode(key));
    } catch (error) {
      limiter.run(
        "debug_key",
        (more) =>
          log.warn("refused a debug key: {why}{more}", {
            why: messageOf(error),
            more,
          }),
      );
      return false;
    }
  }
}

function ranges(...texts: string[]): IpRange[] {
  return texts.map((text) => IpRange.parse(text)!);
}

/** @throws OperatorError */
function parseTrusted(text: string): IpRange[] {
  return text.split(",").map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const range = IpRange.parse(part);
      if (range !== undefined) return range;
      throw new OperatorError(
        `"${part}" in TS_DEBUG_TRUSTED_CIDRS is no range of IP addresses; write them like "10.0.0.0/8,fd00::/8"`,
      );
    });
}

/** @throws OperatorError */
async function readKey(path: string): Promise<string> {
  const file = await readSmallFile({
    path,
    what: "debug key",
    remedy: "name a file with the key in TS_DEBUG_KEY_PATH, or unset it",
  }, MAX_KEY_FILE_BYTES);
  const key = file?.text.trim() ?? "";
  if (key !== "") return key;
  throw new OperatorError(
    `The debug key ${JSON.stringify(path)} ${
      file === undefined ? "is missing" : "is empty"
    }; put a key into it, or unset TS_DEBUG_KEY_PATH`,
  );
}
