/** What an operator is told of the sources of verification as a whole. */
import type { Verification } from "../../src/config/config.ts";
import { LogLimiter } from "../../src/log/limited.ts";
import { ClientVerification } from "../../src/verification.ts";
import { assertEquals, assertMatch } from "../support/assert.ts";
import { CapturedLog } from "../support/captured_log.ts";
import { FakeClock } from "../support/fake_clock.ts";

const A = "http://127.0.0.1:9/a";
const B = "http://127.0.0.1:9/b";
const SOCKET = "/nowhere/tailscaled.sock";

/** The lines about a relay that is verified so; nobody is asked. */
async function linesFor(how: Partial<Verification>): Promise<string[]> {
  await using log = await CapturedLog.start();
  const clock = new FakeClock();
  const verification = await ClientVerification.load({
    sockets: [],
    urls: [],
    urlFailOpen: true,
    policy: "each-kind",
    cacheTtlMs: 0,
    staleTtlMs: 0,
    reverifyIntervalMs: 0,
    ...how,
  }, { clock, caCerts: [], limiter: new LogLimiter(clock) });
  await verification?.close();
  return [...log.lines];
}

Deno.test("ClientVerification.load() warns where a URL that can't be reached outvotes other sources", async () => {
  const cases: [Partial<Verification>, RegExp][] = [
    [{ urls: [A, B] }, /everybody is admitted/],
    [{ urls: [A, B], sockets: [SOCKET] }, /none of them refuses anybody/],
    [{ urls: [A], sockets: [SOCKET], policy: "any" }, /everybody is admitted/],
  ];
  for (const [how, what] of cases) {
    const lines = await linesFor(how);
    assertEquals(lines.length, 1);
    assertMatch(lines[0]!, what);
    assertMatch(lines[0]!, /warning.* add -verify-client-url-fail-open=false/);
  }
});

Deno.test("ClientVerification.load() says nothing where it doesn't, or derper does the same", async () => {
  const quiet: Partial<Verification>[] = [
    { urls: [A] },
    { urls: [A], sockets: [SOCKET] },
    { urls: [A, B], policy: "all" },
    { urls: [A, B], urlFailOpen: false },
    { urls: [A], sockets: [SOCKET], policy: "any", urlFailOpen: false },
    { sockets: [SOCKET, `${SOCKET}2`] },
  ];
  for (const how of quiet) assertEquals(await linesFor(how), []);
});
