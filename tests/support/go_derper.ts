/** The Go derper, where the acceptance suite has built one. */
import { delay, systemClock } from "../../src/util/clock.ts";
import { Child } from "./child.ts";
import { freePort, freePorts } from "./free_ports.ts";

const VERSION = "interop-tailscale-v1.102.5";
const START_MS = 20_000;

/** Its path, or undefined where there is none: tests then skip, and say so in their names. */
export function findGoDerper(): string | undefined {
  const cache = Deno.env.get("XDG_CACHE_HOME") ||
    `${Deno.env.get("HOME")}/.cache`;
  const directory = Deno.env.get("INTEROP_BIN") || `${cache}/${VERSION}`;
  try {
    return Deno.statSync(`${directory}/derper`).isFile
      ? `${directory}/derper`
      : undefined;
  } catch {
    return undefined;
  }
}

/** Runs `derper` with the key file until it has told its public key, 64 hexadecimal digits. */
export async function goPublicKey(
  derper: string,
  keyFile: string,
): Promise<string> {
  const port = freePort();
  const address = `127.0.0.1:${port}`;
  const child = new Deno.Command(derper, {
    args: ["-a", address, "-c", keyFile, "-stun=false", "-http-port=-1"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    using conn = await connect(port);
    const head =
      `GET /derp HTTP/1.1\r\nHost: ${address}\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n`;
    await conn.write(new TextEncoder().encode(head));
    return await readPublicKey(conn);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

/** A Go derper with TLS, a certificate that it made itself, and STUN; disposing of it ends it. */
export class GoDerper implements AsyncDisposable {
  readonly port: number;
  readonly stunPort: number;
  readonly #child: Child;
  readonly #dir: string;

  private constructor(
    child: Child,
    dir: string,
    { port, stunPort }: { port: number; stunPort: number },
  ) {
    this.#child = child;
    this.#dir = dir;
    this.port = port;
    this.stunPort = stunPort;
  }

  /** Resolves when it takes connections. */
  static async start(
    derper: string,
    args: readonly string[] = [],
  ): Promise<GoDerper> {
    const dir = await Deno.makeTempDir();
    const [port = 0, stunPort = 0] = freePorts("tcp", "udp");
    const child = new Child([
      ...[derper, "-a", `127.0.0.1:${port}`, "-c", `${dir}/key`],
      ...["-hostname", "127.0.0.1", "-certmode", "manual", "-certdir", dir],
      ...["-stun-port", `${stunPort}`, "-http-port", "-1"],
      ...args,
    ], { cwd: dir, env: { HOME: dir } });
    try {
      (await connect(port)).close();
    } catch (error) {
      await child.stop();
      await Deno.remove(dir, { recursive: true });
      throw error;
    }
    return new GoDerper(child, dir, { port, stunPort });
  }

  /** The pin of its certificate, as it has logged it for the DERP map. */
  get certName(): string {
    const log = this.#child.lines.join("\n");
    return /sha256-raw:[0-9a-f]{64}/.exec(log)?.[0] ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
    await Deno.remove(this.#dir, { recursive: true });
  }
}

async function connect(port: number): Promise<Deno.TcpConn> {
  const endMs = systemClock.nowMs() + START_MS;
  for (;;) {
    try {
      return await Deno.connect({ hostname: "127.0.0.1", port });
    } catch (cause) {
      if (systemClock.nowMs() > endMs) throw cause;
      await delay(systemClock, 50);
    }
  }
}

async function readPublicKey(conn: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error(`No key in the answer ${text}`);
    text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    const match = /\r\nDerp-Public-Key: ([0-9a-f]{64})\r\n/i.exec(text);
    if (match) return match[1]!;
  }
}
