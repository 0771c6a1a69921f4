/** What systemd hears from the program, with a socket in its place. */
import { NodePrivate } from "../../src/keys/node_key.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import { assertEquals } from "../support/assert.ts";
import { runProgram } from "../support/relay_program.ts";
import { TestClient } from "../support/test_client.ts";

const MESSAGE_MS = 20_000;

/** As systemd's own: a socket that takes datagrams. */
class NotifySocket implements Disposable {
  readonly path: string;
  readonly #socket: Deno.DatagramConn;

  constructor(dir: string) {
    this.path = `${dir}/notify`;
    const transport = "unixpacket";
    this.#socket = Deno.listenDatagram({ transport, path: this.path });
  }

  /** The next message that isn't about being alive alone, as lines. */
  async next(): Promise<string[]> {
    const timer = setTimeout(() => this.#socket.close(), MESSAGE_MS);
    try {
      for (;;) {
        const [datagram] = await this.#socket.receive();
        const lines = new TextDecoder().decode(datagram).split("\n");
        if (lines.join() !== "WATCHDOG=1") return lines;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for a sign of life. */
  async alive(): Promise<void> {
    for (;;) {
      const [datagram] = await this.#socket.receive();
      if (new TextDecoder().decode(datagram).startsWith("WATCHDOG=1")) return;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** A relay without TLS, and with what systemd gives it. */
function run(dir: string, env: Record<string, string>, ...args: string[]) {
  const flags = ["-a", "127.0.0.1:0", "-c", `${dir}/key`, "-stun=false"];
  return runProgram(dir, [...flags, ...args], env);
}

Deno.test("main tells systemd that it is ready, that it lives, how it is, and that it stops", async () => {
  const dir = await Deno.makeTempDir();
  {
    using systemd = new NotifySocket(dir);
    await using relay = run(
      dir,
      {
        NOTIFY_SOCKET: systemd.path,
        WATCHDOG_USEC: "100000",
      },
      "-drain",
      "1s",
    );
    assertEquals(await systemd.next(), ["READY=1", "STATUS=0 connected"]);
    const [, port] = await relay.line(/ ready: .*?127\.0\.0\.1:(\d+)/);
    await systemd.alive();
    await systemd.alive();
    using _client = await TestClient.overHttp(
      new DenoConn(
        await Deno.connect({ hostname: "127.0.0.1", port: Number(port) }),
      ),
      { key: NodePrivate.generate() },
    );
    assertEquals(await systemd.next(), ["WATCHDOG=1", "STATUS=1 connected"]);
    const ended = relay.stop("SIGTERM");
    const stopping = ["STOPPING=1", "EXTEND_TIMEOUT_USEC=2500000"];
    assertEquals(await systemd.next(), stopping);
    assertEquals(await systemd.next(), [
      "WATCHDOG=1",
      "STATUS=1 connected, can't relay: draining: the relay is about to stop",
    ]);
    await ended;
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("main runs on where nobody listens for it, and for a watchdog of another process", async () => {
  const dir = await Deno.makeTempDir();
  {
    using systemd = new NotifySocket(dir);
    await using gone = run(dir, { NOTIFY_SOCKET: `${dir}/gone` });
    await gone.line(/ ready: /);
    await using relay = run(dir, {
      NOTIFY_SOCKET: systemd.path,
      WATCHDOG_USEC: "1000",
      WATCHDOG_PID: "1",
    });
    await relay.line(/ ready: /);
    assertEquals(await systemd.next(), ["READY=1", "STATUS=0 connected"]);
    const ended = relay.stop("SIGTERM");
    assertEquals((await systemd.next())[0], "STOPPING=1"); // nothing in between
    await ended;
  }
  await Deno.remove(dir, { recursive: true });
});
