/** What an operator is told of how connections end. */
import type { LogLimiter } from "../log/limited.ts";
import { logger } from "../log/log.ts";
import {
  isConnectionLost,
  isTlsError,
  type RemoteAddress,
} from "../net/conn.ts";
import { messageOf } from "../util/error_message.ts";
import type { HttpEnd } from "./connection.ts";

const log = logger("http");

/** What TLS says, as rustls words it, and what follows from it for an operator. */
const TLS_HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /fatal alert: (UnknownC|BadC|CertificateU|CertificateE|UnsupportedC|AccessD)/i,
    "it doesn't trust the certificate; if it is a node of yours, HostName in its DERP map has to be a name of the certificate, and a self-signed one needs CertName (derper derpmap prints both)",
  ],
  [
    /corrupt message|InvalidContentType/i,
    "it doesn't speak TLS; if it is a program of yours, it needs https://, else it is a scanner",
  ],
];
/** Every address of the internet gets these, all day. */
const SCANNER =
  "scanners do that; if it is a node of yours, derper probe tells what is wrong";

/** Lines of what an operator may have to act on; of a kind that repeats itself, one in a minute. */
export function logEnd(
  limiter: LogLimiter,
  { ip }: RemoteAddress,
  end: HttpEnd,
): void {
  switch (end.kind) {
    case "refused": {
      const { status, reason, remote } = end;
      return limiter.run(`refused:${status}`, (more) =>
        log.info(
          "refused a request from {ip} with {status}: {reason}{more}",
          { ip: remote?.ip ?? ip, status, reason, more },
        ));
    }
    case "proxy_header": {
      const { why } = end;
      return limiter.run(
        "proxy_header",
        (more) =>
          log.warn("closed a connection from {ip}: {why}{more}", {
            ip,
            why,
            more,
          }),
      );
    }
    case "page_failed": {
      const { error } = end;
      return limiter.run(
        "page_failed",
        (more) =>
          log.error("a page failed, the client got a 500: {error}{more}", {
            error,
            more,
          }),
      );
    }
    case "broken":
      return logBroken(limiter, ip, end.error);
    default: // nothing to tell
  }
}

function logBroken(limiter: LogLimiter, ip: string, error: unknown): void {
  if (isTlsError(error)) {
    const why = messageOf(error);
    const hint = tlsHint(why);
    limiter.run("tls", (_more, count) =>
      log.info(
        count === 1
          ? "a TLS handshake failed, from {ip}: {why}; {hint}"
          : "{count} TLS handshakes failed, last from {ip}: {why}; {hint}",
        { count, ip, why, hint },
      ));
  } else if (!isConnectionLost(error)) {
    limiter.run(
      "broken",
      (more) =>
        log.error("a connection from {ip} failed: {error}{more}", {
          ip,
          error,
          more,
        }),
    );
  }
}

function tlsHint(why: string): string {
  return TLS_HINTS.find(([pattern]) => pattern.test(why))?.[1] ?? SCANNER;
}
