/** STUN over UDP sockets. */
import type { ListenAddress } from "../../src/net/listen.ts";
import { LogLimiter } from "../../src/log/limited.ts";
import { StunServer } from "../../src/stun/server.ts";
import { OperatorError } from "../../src/util/operator_error.ts";
import { StunMetrics } from "../../src/stun/metrics.ts";
import { systemClock } from "../../src/util/clock.ts";
import { toHex } from "../../src/util/bytes.ts";
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "../support/assert.ts";
import { bindingRequest, parseBindingSuccess } from "../support/stun_client.ts";

function listen(
  address: ListenAddress,
  metrics: StunMetrics = new StunMetrics(),
): StunServer {
  return StunServer.listen(address, {
    metrics,
    clock: systemClock,
    limiter: new LogLimiter(systemClock),
    turn: { wait: () => Promise.resolve() },
  });
}

/** A server, and a client socket that sends to it. */
class Bench implements AsyncDisposable {
  readonly metrics = new StunMetrics();
  readonly port: number;
  readonly clientPort: number;
  readonly #server: StunServer;
  readonly #client: Deno.DatagramConn;
  readonly #to: Deno.NetAddr;

  constructor(server: string | undefined, client: string) {
    this.#server = listen({ hostname: server, port: 0 }, this.metrics);
    this.port = this.#server.port;
    this.#to = { transport: "udp", hostname: client, port: this.port };
    this.#client = Deno.listenDatagram({
      transport: "udp",
      hostname: client,
      port: 0,
    });
    this.clientPort = (this.#client.addr as Deno.NetAddr).port;
  }

  async send(datagram: Uint8Array): Promise<void> {
    await this.#client.send(datagram, this.#to);
  }

  async receive(): Promise<ReturnType<typeof parseBindingSuccess>> {
    const [datagram] = await this.#client.receive();
    return parseBindingSuccess(datagram);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.#server.close();
  }
}

const hasIpv6 = (() => {
  try {
    Deno.listenDatagram({ transport: "udp", hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
})();

for (
  const [server, client, ip] of [
    ["127.0.0.1", "127.0.0.1", "7f000001"],
    [undefined, "127.0.0.1", "7f000001"],
    [undefined, "::1", "00000000000000000000000000000001"],
    ["::1", "::1", "00000000000000000000000000000001"],
  ] as const
) {
  Deno.test({
    name: `StunServer on ${
      server ?? "all addresses"
    } tells ${client} its address`,
    ignore: client === "::1" && !hasIpv6,
    async fn() {
      await using bench = new Bench(server, client);
      const txId = crypto.getRandomValues(new Uint8Array(12));
      await bench.send(bindingRequest(txId));
      assertEquals(
        await bench.receive(),
        { txId: toHex(txId), ip, port: bench.clientPort },
      );
      assertEquals(bench.metrics.successes, 1);
      assertEquals(
        [bench.metrics.ipv4, bench.metrics.ipv6],
        client === "::1" ? [0, 1] : [1, 0],
      );
    },
  });
}

Deno.test("StunServer says nothing to garbage of any length, and still answers", async () => {
  await using bench = new Bench("127.0.0.1", "127.0.0.1");
  const request = bindingRequest();
  const lengths = [0, 1, 19, 20, 39, 41, 1_499, 1_500, 1_501, 65_507];
  for (const length of lengths) {
    const datagram = new Uint8Array(length);
    datagram.set(request.subarray(0, length));
    await bench.send(datagram);
  }
  const txId = crypto.getRandomValues(new Uint8Array(12));
  await bench.send(bindingRequest(txId));
  assertEquals((await bench.receive()).txId, toHex(txId));
  assertEquals(bench.metrics.notStun, lengths.length);
});

Deno.test("StunServer answers each of many that came together, to its own address", async () => {
  await using bench = new Bench(undefined, "127.0.0.1");
  const sent = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const txId = crypto.getRandomValues(new Uint8Array(12));
    sent.add(toHex(txId));
    await bench.send(i % 10 === 9 ? new Uint8Array(30) : bindingRequest(txId));
    if (i % 10 === 9) sent.delete(toHex(txId));
  }
  for (let i = 0; i < 90; i++) {
    const { txId, ip, port } = await bench.receive();
    assert(sent.delete(txId), "answered once");
    assertEquals([ip, port], ["7f000001", bench.clientPort]);
  }
  assertEquals(bench.metrics.successes, 90);
  assertEquals(bench.metrics.notStun, 10);
});

Deno.test("StunServer.close() ends its loop and frees the port", async () => {
  const bench = new Bench("127.0.0.1", "127.0.0.1");
  await bench[Symbol.asyncDispose]();
  await listen({ hostname: "127.0.0.1", port: bench.port }).close();
});

Deno.test("StunServer.listen() names address, flag and remedy when the port is in use", async () => {
  await using bench = new Bench(undefined, "127.0.0.1");
  const error = assertThrows(
    () => listen({ port: bench.port }),
    OperatorError,
  );
  assertStringIncludes(error.message, `:${bench.port} (-stun-port)`);
  assertStringIncludes(error.message, "the port is in use");
  assert(!error.message.includes("\n"));
});

Deno.test("StunServer.listen() says that an address isn't this machine's", () => {
  const error = assertThrows(
    () => listen({ hostname: "203.0.113.7", port: 0 }),
    OperatorError,
  );
  assertStringIncludes(error.message, "UDP 203.0.113.7:0 (-stun-port)");
  assertStringIncludes(error.message, "doesn't have that address");
});
