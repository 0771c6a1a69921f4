/** Whose a request is, and whom proxies and clients can make believe. */
import {
  type Client,
  ClientAddresses,
  type TrustedProxies,
} from "../../../src/http/client_address.ts";
import { HttpError } from "../../../src/http/http_error.ts";
import { RequestHead } from "../../../src/http/request_head.ts";
import { type RemoteAddress, UNIX_PEER } from "../../../src/net/conn.ts";
import { IpRange } from "../../../src/util/ip_range.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";

const PROXY = { ip: "10.0.0.1", port: 5 };
const STRANGER = { ip: "203.0.113.9", port: 6 };

const TRUSTED: TrustedProxies = {
  ranges: ["10.0.0.0/8", "2001:db8::/32", "127.0.0.1/32"]
    .map((text) => IpRange.parse(text)!),
  unix: false,
};

function head(...fields: readonly [string, string][]): RequestHead {
  return new RequestHead({
    method: "GET",
    target: "/",
    major: 1,
    minor: 1,
    keepAlive: true,
    fields: ["Host", "relay.test", ...fields.flat()],
  });
}

const forwarded = (value: string): [string, string] => [
  "X-Forwarded-For",
  value,
];

/** What a trusted proxy's request comes to: an address, or what is known of it. */
function told(...fields: readonly [string, string][]): string | undefined {
  const client = new ClientAddresses(TRUSTED).of(head(...fields), {
    remote: PROXY,
  });
  if (client.proxy === "trusted") {
    const { ip, port } = client.remote;
    return port === 0 ? ip : `${ip} port ${port}`;
  }
  assertEquals(client, { remote: PROXY, proxy: "unknown" });
  return client.proxy;
}

Deno.test("ClientAddresses takes the last address that is no trusted proxy's", () => {
  for (
    const [value, expected] of [
      ["203.0.113.9", "203.0.113.9"],
      ["192.0.2.66, 203.0.113.9", "203.0.113.9"], // the first one is a lie
      ["127.0.0.1,203.0.113.9", "203.0.113.9"],
      ["garbage, 203.0.113.9", "203.0.113.9"],
      ["203.0.113.9, 10.1.2.3", "203.0.113.9"],
      ["203.0.113.9, 2001:db8::1, 10.1.2.3", "203.0.113.9"],
      ["192.0.2.66, 203.0.113.9, 10.1.2.3", "203.0.113.9"],
      ["10.3.3.3, 10.1.2.3", "10.3.3.3"], // somebody beside the proxies
      [" ,, 203.0.113.9 ,", "203.0.113.9"],
      ["203.0.113.9:4711", "203.0.113.9 port 4711"],
      ["[2001:DB9::7]:4711", "2001:db9::7 port 4711"],
      ["[2001:db9::7]", "2001:db9::7"],
      ["2001:db9:0:0:0:0:0:7", "2001:db9::7"],
      ["::ffff:203.0.113.9", "203.0.113.9"],
    ] as const
  ) assertEquals(told(forwarded(value)), expected, value);
});

Deno.test("ClientAddresses reads all fields of that name, in their order", () => {
  assertEquals(
    told(forwarded("192.0.2.66"), forwarded("203.0.113.9")),
    "203.0.113.9",
  );
  assertEquals(
    told(forwarded("203.0.113.9"), ["x-forwarded-for", "10.1.2.3"]),
    "203.0.113.9",
  );
});

Deno.test("ClientAddresses takes X-Real-IP where there is nothing else", () => {
  assertEquals(told(["X-Real-IP", "203.0.113.9"]), "203.0.113.9");
  assertEquals(
    told(["X-Real-IP", " 2001:DB9::7 "], ["X-Forwarded-For", ""]),
    "2001:db9::7",
  );
  assertEquals(told(), "unknown");
  assertEquals(told(["X-Real-IP", ""]), "unknown");
  assertEquals(told(["Forwarded", "for=203.0.113.9"]), "unknown");
});

Deno.test("ClientAddresses believes neither of two fields that contradict each other", async () => {
  await using log = await CapturedLog.start();
  const real = (ip: string): [string, string] => ["X-Real-IP", ip];
  assertEquals(
    told(forwarded("203.0.113.9"), real("203.0.113.9")),
    "203.0.113.9",
  );
  // The proxy next to us says whom it was asked by, another proxy.
  assertEquals(
    told(forwarded("203.0.113.9, 10.1.2.3"), real("10.1.2.3")),
    "203.0.113.9",
  );
  assertEquals(
    told(forwarded("203.0.113.9, 10.1.2.3"), real("203.0.113.9")),
    "203.0.113.9",
  );
  assertEquals(log.lines, []);
  assertEquals(told(forwarded("100.64.0.1"), real("203.0.113.9")), "unknown");
  assertEquals(told(forwarded("203.0.113.9"), real("100.64.0.1")), "unknown");
  assertEquals(told(real("100.64.0.1"), real("203.0.113.9")), "unknown");
  assertEquals(log.matching("one of them comes from the client").length, 3);
});

Deno.test("ClientAddresses refuses what a trusted proxy tells and is no address", () => {
  for (
    const value of [
      "unknown",
      "203.0.113.9, garbage",
      "garbage, 10.1.2.3",
      "203.0.113",
      "203.0.113.256",
      "203.0.113.9:",
      "203.0.113.9:65536",
      "203.0.113.9:1:2",
      "fe80::1%eth0",
      "[203.0.113.9",
      "[]",
      '"203.0.113.9"',
      "203.0.113.9 198.51.100.1",
      "1".repeat(10_000),
    ]
  ) {
    assertThrows(() => told(forwarded(value)), HttpError, "Malformed");
    if (value.includes(",")) continue;
    assertThrows(() => told(["X-Real-IP", value]), HttpError, "Malformed");
  }
});

Deno.test("ClientAddresses believes nobody else, and knows that there is a proxy", async () => {
  await using log = await CapturedLog.start();
  const clients = new ClientAddresses(TRUSTED);
  const of = (remote: RemoteAddress, ...fields: [string, string][]): Client =>
    clients.of(head(...fields), { remote });
  assertEquals(of(STRANGER).proxy, undefined);
  assertEquals(of(STRANGER).remote, STRANGER);
  for (
    const field of [
      forwarded("127.0.0.1"),
      ["X-Real-IP", "100.64.0.1"],
      ["Forwarded", "for=127.0.0.1"],
      forwarded("garbage"),
    ] as [string, string][]
  ) {
    assertEquals(of(STRANGER, field), { remote: STRANGER, proxy: "unknown" });
  }
  assertEquals(of(STRANGER, forwarded("")).proxy, undefined);
  assertEquals(log.lines, []); // strangers write what they like
});

Deno.test("ClientAddresses says once that a proxy near by isn't trusted", async () => {
  for (const ip of ["127.0.0.1", "172.17.0.1", "::1"]) {
    await using log = await CapturedLog.start();
    const clients = new ClientAddresses();
    for (let i = 0; i < 3; i++) {
      const client = clients.of(head(forwarded("203.0.113.9")), {
        remote: { ip, port: 1 },
      });
      assertEquals(client.proxy, "unknown");
    }
    assertEquals(log.lines.length, 1);
    assert(log.lines[0]!.endsWith(`restart with -trusted-proxies ${ip}`));
  }
});

Deno.test("ClientAddresses tells the peers of a unix socket from loopback", () => {
  const fields = head(forwarded("203.0.113.9"));
  const byAddress = new ClientAddresses(TRUSTED);
  const unknown = { remote: UNIX_PEER, proxy: "unknown" } as const;
  assertEquals(byAddress.of(head(), { remote: UNIX_PEER }), unknown);
  assertEquals(byAddress.of(fields, { remote: UNIX_PEER }), unknown);
  const bySocket = new ClientAddresses({ ranges: [], unix: true });
  assertEquals(bySocket.of(head(), { remote: UNIX_PEER }), unknown);
  assertEquals(bySocket.of(fields, { remote: UNIX_PEER }), {
    remote: { ip: "203.0.113.9", port: 0 },
    proxy: "trusted",
  });
  const loopback = { ...UNIX_PEER };
  assertEquals(bySocket.of(head(), { remote: loopback }).proxy, undefined);
});
