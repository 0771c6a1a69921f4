/** What an operator reads of connections that end. */
import type { HttpEnd } from "../../../src/http/connection.ts";
import { logEnd } from "../../../src/http/log_end.ts";
import { LogLimiter } from "../../../src/log/limited.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function tlsError(message: string): HttpEnd {
  return { kind: "broken", error: new Deno.errors.InvalidData(message) };
}

function setUp() {
  const clock = new FakeClock();
  const limiter = new LogLimiter(clock);
  let last = 0;
  const end = (end: HttpEnd) =>
    logEnd(limiter, { ip: `203.0.113.${++last}`, port: 1 }, end);
  return { clock, limiter, end };
}

Deno.test("logEnd() sums up failed TLS handshakes, with the last as an example", async () => {
  await using log = await CapturedLog.start();
  const { clock, end } = setUp();
  for (let i = 0; i < 38; i++) end(tlsError("no ciphers in common"));
  await clock.advance(60_000);
  assertEquals(log.lines.length, 2);
  assertMatch(
    log.lines[0]!,
    /\[info\] http: a TLS handshake failed, from 203\.0\.113\.1: no ciphers in common; scanners do that; /,
  );
  assertMatch(
    log.lines[1]!,
    /37 TLS handshakes failed, last from 203\.0\.113\.38: no ciphers in common; /,
  );
});

for (
  const [error, hint] of [
    ["received fatal alert: BadCertificate", /HostName in its DERP map/],
    ["received fatal alert: UnknownCA", /needs CertName/],
    ["received fatal alert: CertificateUnknown", /derper derpmap prints both/],
    ["received corrupt message of type InvalidContentType", /needs https:\/\//],
    ["peer is incompatible: NoCipherSuitesInCommon", /scanners do that/],
    ["received fatal alert: HandshakeFailure", /scanners do that/],
  ] as const
) {
  Deno.test(`logEnd() says what follows from "${error}"`, async () => {
    await using log = await CapturedLog.start();
    setUp().end(tlsError(error));
    assertMatch(log.lines[0]!, hint);
  });
}

Deno.test("logEnd() has a line for each kind, and none for clients that just leave", async () => {
  await using log = await CapturedLog.start();
  const { limiter, end } = setUp();
  const failed = (error: Error): HttpEnd => ({ kind: "broken", error });
  for (let i = 0; i < 2; i++) {
    end({ kind: "closed" });
    end({ kind: "upgraded" });
    end(failed(new Deno.errors.ConnectionReset("reset")));
    end({ kind: "refused", status: 400, reason: "Malformed request" });
    end({ kind: "refused", status: 431, reason: "Too many header fields" });
    end({ kind: "proxy_header", why: "no header" });
    end({ kind: "page_failed", error: new Error("a page") });
    end(failed(new Error("out of luck")));
  }
  assertEquals(log.lines.length, 5);
  limiter.close();
  assertEquals(log.lines.length, 10);
  assertMatch(log.lines[3]!, /the client got a 500: Error: a page$/);
  assertMatch(log.lines[8]!, /500: Error: a page \(in the last minute\)$/);
});
