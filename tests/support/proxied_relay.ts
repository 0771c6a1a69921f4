/** A relay as a program of its own that listens where proxies come, and what it knows of its clients. */
import type { NodePrivate } from "../../src/keys/node_key.ts";
import { type Conn, writeAll } from "../../src/net/conn.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import type { Child } from "./child.ts";
import { runProgram } from "./relay_program.ts";
import { TestClient } from "./test_client.ts";

/** What proxies say of an operator. */
const OPERATOR = "X-Forwarded-For: 100.64.0.9\r\n";

type Address =
  | { readonly path: string }
  | { readonly hostname: string; readonly port: number };

/** A running relay; disposing of it ends it. */
export class ProxiedRelay implements AsyncDisposable {
  readonly child: Child;
  readonly dir: string;
  readonly address: Address;

  private constructor(child: Child, dir: string, address: Address) {
    this.child = child;
    this.dir = dir;
    this.address = address;
  }

  /** Resolves when it is ready; where the arguments have no `-a`, at a port of 127.0.0.1. */
  static async start(
    args: readonly string[],
    { dir = Deno.makeTempDirSync(), path }: { dir?: string; path?: string } =
      {},
  ): Promise<ProxiedRelay> {
    const at = path === undefined ? "127.0.0.1:0" : `unix:${path}`;
    const child = runProgram(dir, [
      ...["-a", at, "-c", `${dir}/key`, "-stun=false"],
      ...args,
    ]);
    const ready = await child.line(/ready: HTTP .* on (?:\S+:(\d+)|unix:)/);
    const address = path === undefined
      ? { hostname: "127.0.0.1", port: Number(ready[1]) }
      : { path };
    return new ProxiedRelay(child, dir, address);
  }

  /** A connection as a proxy makes it, which may say for whom first. */
  async connect(header = ""): Promise<Conn> {
    const { address } = this;
    const conn = new DenoConn(
      "path" in address
        ? await Deno.connect({ transport: "unix", path: address.path })
        : await Deno.connect(address),
    );
    await writeAll(conn, latin1(header));
    return conn;
  }

  /** A DERP client behind a proxy that sends a header of the PROXY protocol. */
  async client(key: NodePrivate, header = ""): Promise<TestClient> {
    const conn = await this.connect(header);
    try {
      return await TestClient.overHttp(conn, { key });
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  /** The answer to one request with these fields. */
  async get(path: string, fields = "", header = ""): Promise<string> {
    const conn = await this.connect(header);
    const head = `GET ${path} HTTP/1.1\r\nHost: relay.test\r\n`;
    return await answer(conn, `${head}${fields}Connection: close\r\n\r\n`);
  }

  /** Address and port of a client, as operators see them. */
  async whereabouts(key: NodePrivate): Promise<string | undefined> {
    const text = await this.get("/debug/traffic", OPERATOR);
    for (const line of text.split("\n").filter((line) => line[0] === "{")) {
      const { Key, IP, Port } = JSON.parse(line);
      if (Key === key.publicKey.toString()) return `${IP} ${Port}`;
    }
    return undefined;
  }

  /** Ends it as the system does, and waits. */
  async stop(): Promise<void> {
    await this.child.stop("SIGTERM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.dir, { recursive: true }).catch(() => {});
  }
}

/** Sends `text` and reads to the end of the connection. */
export async function answer(conn: Conn, text: string): Promise<string> {
  const into = new Uint8Array(16 * 1024);
  let answered = "";
  try {
    await writeAll(conn, latin1(text));
    for (;;) {
      const bytes = await conn.read(into);
      if (bytes === null) return answered;
      answered += new TextDecoder("latin1").decode(into.subarray(0, bytes));
    }
  } catch (error) {
    // A connection that is closed with bytes unread is reset.
    if (error instanceof Deno.errors.ConnectionReset) return answered;
    if (error instanceof Deno.errors.BrokenPipe) return answered;
    throw error;
  } finally {
    conn.close();
  }
}

/** The status of an answer. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]);
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
