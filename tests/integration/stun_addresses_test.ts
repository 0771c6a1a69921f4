/** STUN on a machine with many addresses: each answers for itself. */
import { toHex } from "../../src/util/bytes.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { Namespaces, whyNoNamespaces } from "../support/namespaces.ts";
import { runProgram } from "../support/relay_program.ts";
import { bindingRequest, parseBindingSuccess } from "../support/stun_client.ts";

/** More than the server takes at a time. */
const REQUESTS = 50;
const ANSWER_MS = 5_000;
const reason = whyNoNamespaces();
const title = "StunSockets answers from the address that was asked";

/** A socket of the client's, in its namespace. */
class Asker implements Disposable {
  readonly #socket: Deno.DatagramConn;

  constructor(namespaces: Namespaces, hostname: string) {
    const address = { transport: "udp", hostname, port: 0 } as const;
    const { client } = namespaces;
    this.#socket = namespaces.in(client, () => Deno.listenDatagram(address));
  }

  /** From where the answers come when `hostname` is asked many times at once. */
  async ask(hostname: string, port: number): Promise<string> {
    const to = { transport: "udp", hostname, port } as const;
    const asked = new Set<string>();
    for (let i = 0; i < REQUESTS; i++) {
      const txId = crypto.getRandomValues(new Uint8Array(12));
      asked.add(toHex(txId));
      await this.#socket.send(bindingRequest(txId), to);
    }
    const sources = new Set<string>();
    const timer = setTimeout(() => this.#socket.close(), ANSWER_MS);
    try {
      while (asked.size > 0) {
        const [answer, from] = await this.#socket.receive();
        assert(asked.delete(parseBindingSuccess(answer).txId));
        sources.add((from as Deno.NetAddr).hostname);
      }
    } finally {
      clearTimeout(timer);
    }
    return [...sources].join();
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

Deno.test({
  name: reason === undefined ? title : `${title} (SKIPPED: ${reason})`,
  ignore: reason !== undefined,
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      await using namespaces = await Namespaces.make({
        server: ["10.99.0.1/24", "10.99.0.2/24", "fd99::1/64", "fd99::2/64"],
        client: ["10.99.0.9/24", "fd99::9/64"],
      });
      const { server, client } = namespaces;
      // As in tailscale/tailscale#15014: an address of the loopback interface.
      await namespaces.ip(
        server,
        "address",
        "add",
        "10.98.0.1/32",
        "dev",
        "lo",
      );
      await namespaces.ip(
        client,
        "route",
        "add",
        "default",
        "via",
        "10.99.0.1",
      );
      const by = ["ip", "netns", "exec", server];
      const flags = ["-a", ":0", "-c", "key", "-stun-port", "0"];
      await using relay = runProgram(
        dir,
        [...flags, "-log-level", "debug"],
        {},
        by,
      );
      const [, port] = await relay.line(/ready: .*STUN on UDP port (\d+)/);
      using ipv4 = new Asker(namespaces, "10.99.0.9");
      using ipv6 = new Asker(namespaces, "fd99::9");
      const answersFrom = (address: string) =>
        (address.includes(":") ? ipv6 : ipv4).ask(address, Number(port));
      for (
        const address of [
          "10.99.0.1",
          "10.99.0.2",
          "10.98.0.1",
          "fd99::1",
          "fd99::2",
          "10.99.0.2",
        ]
      ) {
        assertEquals(await answersFrom(address), address);
      }
      for (const hostname of ["0.0.0.0", "10.99.0.1"]) { // the port is still its own
        const address = {
          transport: "udp",
          hostname,
          port: Number(port),
        } as const;
        assertThrows(
          () =>
            namespaces.in(
              server,
              () => Deno.listenDatagram({ ...address, reuseAddress: true }),
            ),
          Deno.errors.AddrInUse,
        );
      }
      await namespaces.address("add", "10.99.0.3/24");
      await namespaces.address("del", "10.99.0.2/24");
      // It would look again within 30 s.
      relay.signal("SIGHUP");
      await relay.line(/stun: 10\.99\.0\.3 has a socket of its own/);
      await relay.line(/stun: 10\.99\.0\.2 has gone/);
      assertEquals(await answersFrom("10.99.0.3"), "10.99.0.3");
      assertEquals(await answersFrom("10.99.0.1"), "10.99.0.1");
      await relay.stop("SIGTERM");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
