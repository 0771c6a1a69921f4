/** Requests that all come from a gateway, and those that only look like it. */
import { GatewayWatch } from "../../../src/stun/gateway_watch.ts";
import { parseIp, shortestIp } from "../../../src/util/ip.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { CapturedLog } from "../../support/captured_log.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { bindingRequest } from "../../support/stun_client.ts";

/** Requests of many clients by way of few addresses. */
class Requests {
  readonly clock = new FakeClock();
  readonly #watch: GatewayWatch;
  #number = 0;

  constructor(gateways: string[] = []) {
    this.#watch = new GatewayWatch({ clock: this.clock, gateways });
  }

  /** `ports` and transactions are used in turn. */
  come(count: number, from: string, { ports = 50, txIds = 1_000_000 } = {}) {
    const ip = shortestIp(parseIp(from)!);
    for (let i = 0; i < count; i++) {
      const txId = new Uint8Array(12);
      new DataView(txId.buffer).setUint32(0, this.#number % txIds);
      const port = 20_000 + this.#number % ports;
      this.#number++;
      this.#watch.note(bindingRequest(txId), ip, port);
    }
  }
}

Deno.test("GatewayWatch says once what to do when nearly all requests come from one private .1", async () => {
  await using log = await CapturedLog.start();
  const requests = new Requests();
  requests.come(1, "2001:db8::7");
  requests.come(3, "203.0.113.9");
  requests.come(99, "172.18.0.1");
  assertEquals(log.lines, []);
  requests.come(1_000, "172.18.0.1");
  assertEquals(log.lines.length, 1);
  assertMatch(
    log.lines[0]!,
    /\[warning\] stun: \d\d % of all STUN requests come from 172\.18\.0\.1, .*--network host.*userland-proxy/,
  );
});

Deno.test("GatewayWatch knows the default gateway, whatever its last number", async () => {
  await using log = await CapturedLog.start();
  new Requests().come(500, "10.88.0.254");
  assertEquals(log.lines, []);
  new Requests(["10.88.0.254"]).come(500, "10.88.0.254");
  assertEquals(log.lines.length, 1);
});

Deno.test("GatewayWatch notices that IPv6 comes from there alone, as by Docker's proxy", async () => {
  await using log = await CapturedLog.start();
  const requests = new Requests();
  for (let i = 0; i < 150; i++) {
    requests.come(2, `203.0.113.${i}`);
    requests.come(1, "172.17.0.1");
  }
  assertEquals(log.lines.length, 1);
  assertMatch(
    log.lines[0]!,
    /33 % of all STUN requests come from 172\.17\.0\.1/,
  );
});

for (
  const [what, come] of [
    [
      "a client that runs on the gateway",
      (requests: Requests) => requests.come(500, "192.168.1.1", { ports: 2 }),
    ],
    [
      "one request again and again",
      (requests: Requests) => requests.come(500, "192.168.1.1", { txIds: 9 }),
    ],
    [
      "a few requests",
      (requests: Requests) => requests.come(99, "172.18.0.1"),
    ],
    [
      "a public address",
      (requests: Requests) => requests.come(500, "203.0.114.1"),
    ],
    ["loopback", (requests: Requests) => requests.come(500, "127.0.0.1")],
    ["IPv6", (requests: Requests) => requests.come(500, "fd00::1")],
    [
      "a private address",
      (requests: Requests) => requests.come(500, "10.0.0.7"),
    ],
    [
      "some of many",
      (requests: Requests) => {
        requests.come(10, "2001:db8::7");
        for (let i = 0; i < 200; i++) {
          requests.come(1, "192.168.1.1");
          requests.come(1, `203.0.113.${i}`);
        }
      },
    ],
  ] as const
) {
  Deno.test(`GatewayWatch says nothing of ${what}`, async () => {
    await using log = await CapturedLog.start();
    come(new Requests());
    assertEquals(log.lines, []);
  });
}

Deno.test("GatewayWatch begins anew after ten minutes", async () => {
  await using log = await CapturedLog.start();
  const requests = new Requests();
  requests.come(3_000, "203.0.113.9");
  requests.come(90, "172.18.0.1");
  await requests.clock.advance(600_000);
  requests.come(10, "172.18.0.1"); // completes a hundred, at which it is looked at
  requests.come(99, "172.18.0.1");
  assertEquals(log.lines, []);
  requests.come(1, "172.18.0.1");
  assertEquals(log.lines.length, 1);
});
