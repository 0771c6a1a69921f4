/** Is an operator told that a proxy keeps clients away, and nobody else's fault taken for it? */
import { DroppedUpgrade } from "../../../src/http/dropped_upgrade.ts";
import { mainRoutes } from "../../../src/http/routes.ts";
import type { RequestInfo } from "../../../src/http/connection.ts";
import { RequestHead } from "../../../src/http/request_head.ts";
import { assertEquals, assertStringIncludes } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";

const PUBLIC: RequestInfo = {
  remote: { ip: "203.0.113.9", port: 1 },
  secure: false,
};
const NEAR: RequestInfo = {
  remote: { ip: "127.0.0.1", port: 1 },
  secure: false,
};

/** The line about one such request, if there is one. */
async function line(
  info: RequestInfo,
  headers: Record<string, string>,
  method = "GET",
): Promise<string | undefined> {
  await using log = await CapturedLog.start();
  const request = new Request("http://relay.test/derp", { method, headers });
  new DroppedUpgrade().missing(request, info);
  return log.lines[0];
}

Deno.test("DroppedUpgrade names the header that a proxy dropped", async () => {
  const both = "without its Upgrade and Connection headers: if";
  const one = "without its Upgrade header: if";
  const go = { "User-Agent": "Go-http-client/1.1" };
  for (
    const [info, headers, expected] of [
      [NEAR, go, both],
      [NEAR, { Connection: "close" }, both],
      [NEAR, { ...go, Connection: "upgrade" }, one],
      [PUBLIC, { Connection: "keep-alive, Upgrade" }, one],
      [PUBLIC, go, both],
      [PUBLIC, { Via: "1.1 proxy" }, both],
      [PUBLIC, { "Sec-WebSocket-Key": "x", "User-Agent": "Mozilla/5" }, both],
      [{ ...PUBLIC, proxy: "trusted" }, {}, both],
    ] as [RequestInfo, Record<string, string>, string][]
  ) {
    const found = await line(info, headers) ?? "";
    assertStringIncludes(found, expected);
    assertStringIncludes(found, info.remote.ip);
    assertStringIncludes(found, "proxy_set_header Upgrade $http_upgrade;");
  }
});

Deno.test("DroppedUpgrade takes no browser and no scanner for a client", async () => {
  const browser = { "User-Agent": "Mozilla/5.0 (X11)" };
  assertEquals(await line(NEAR, browser), undefined);
  const constant = { ...browser, Connection: "upgrade" }; // by nginx, whatever it was
  assertEquals(await line(NEAR, constant), undefined);
  assertEquals(await line({ ...PUBLIC, proxy: "trusted" }, browser), undefined);
  assertEquals(await line(PUBLIC, { "User-Agent": "curl/8" }), undefined);
  assertEquals(await line(NEAR, {}, "POST"), undefined);
});

Deno.test("mainRoutes() tells of a dropped header once", async () => {
  await using log = await CapturedLog.start();
  for (const derp of [true, false]) {
    const handler = mainRoutes({ home: { kind: "default" }, derp });
    for (let i = 0; i < 3; i++) {
      await handler(new Request("http://relay.test/derp"), NEAR);
    }
  }
  assertEquals(log.lines.length, 1); // where it relays
});

Deno.test("DroppedUpgrade tells once of a Connection header alone", async () => {
  await using log = await CapturedLog.start();
  const head = (connection: string) =>
    new RequestHead({
      method: "GET",
      target: "/derp",
      major: 1,
      minor: 1,
      keepAlive: true,
      fields: ["Host", "a", "Upgrade", "DERP", "Connection", connection],
    });
  const dropped = new DroppedUpgrade();
  for (const fine of ["Upgrade", "upgrade", "keep-alive, Upgrade"]) {
    dropped.upgraded(head(fine), "203.0.113.9");
  }
  assertEquals(log.lines, []);
  dropped.upgraded(head("close"), "203.0.113.9");
  dropped.upgraded(head("close"), "203.0.113.9");
  assertEquals(log.lines.length, 1);
  assertStringIncludes(log.lines[0]!, "without its Connection header");
});
