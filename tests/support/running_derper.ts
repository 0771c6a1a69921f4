/** A whole relay in this process, on ports of its own, with a certificate that it made itself. */
import type { Config } from "../../src/config/config.ts";
import { Derper } from "../../src/derper.ts";
import type { DerpClientOptions } from "../../src/mesh/derp_client.ts";
import { NodePrivate } from "../../src/keys/node_key.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import { TestClient } from "./test_client.ts";

const HOST = "127.0.0.1";

/** A relay and how to reach it; disposing of it stops it. */
export class RunningDerper implements AsyncDisposable {
  readonly derper: Derper;
  readonly dir: string;
  /** The relay's certificate, which clients have to trust. */
  readonly certificate: string;

  private constructor(derper: Derper, dir: string, certificate: string) {
    this.derper = derper;
    this.dir = dir;
    this.certificate = certificate;
  }

  /** Starts a relay with TLS on free ports of 127.0.0.1; `change` overrides its configuration. */
  static async start(change: Partial<Config> = {}): Promise<RunningDerper> {
    const dir = await Deno.makeTempDir();
    const derper = await Derper.start({
      listen: { hostname: HOST, port: 0 },
      certificate: { kind: "manual", certDir: dir },
      stunHealthGate: true,
      bootstrapDns: { published: [], unpublished: [] },
      httpPort: 0,
      stunPort: 0,
      derp: true,
      hostname: HOST,
      home: { kind: "default" },
      meshWith: [],
      tcpKeepAliveMs: 600_000,
      tcpUserTimeoutMs: 15_000,
      tcpWriteTimeoutMs: 2_000,
      drainMs: 0,
      reusePort: false,
      log: { level: "info", format: "text" },
      dev: false,
      ...change,
    });
    const pem = await Deno.readTextFile(`${dir}/${HOST}.crt`);
    return new RunningDerper(derper, dir, pem);
  }

  /** A TLS connection to the relay's main port. */
  connect(): Promise<Deno.TlsConn> {
    return Deno.connectTls({
      hostname: HOST,
      port: this.derper.port,
      caCerts: [this.certificate],
    });
  }

  /** A client that is admitted. */
  async client(
    options: Omit<DerpClientOptions, "host" | "key"> & { key?: NodePrivate } =
      {},
  ): Promise<TestClient> {
    const conn = new DenoConn(await this.connect());
    try {
      const key = NodePrivate.generate();
      return await TestClient.overHttp(conn, { key, ...options });
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.derper.stop();
    await Deno.remove(this.dir, { recursive: true });
  }
}
