/** The relay as an operator runs it: main.ts from source, in a process of its own. */
import { ConnectionLostError } from "../../src/net/conn.ts";
import { DenoConn } from "../../src/net/deno_conn.ts";
import type { NodePrivate } from "../../src/keys/node_key.ts";
import { assertRejects } from "./assert.ts";
import { Child, eventually } from "./child.ts";
import { TestClient } from "./test_client.ts";

const HOST = "127.0.0.1";
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Where the packages are already; by default below HOME, which the program gets anew. */
const DENO_DIR = Deno.env.get("DENO_DIR") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;

/** Starts the program with `args` in `dir`, by way of another one where `by` is one. */
export function runProgram(
  dir: string,
  args: readonly string[],
  env: Record<string, string> = {},
  by: readonly string[] = [],
): Child {
  return new Child(
    [...by, Deno.execPath(), "run", "-q", "-P=relay", MAIN, ...args],
    { cwd: dir, env: { HOME: dir, DENO_DIR, NO_COLOR: "1", ...env } },
  );
}

/** Runs a command of the program to its end. */
export async function runCommand(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const dir = await Deno.makeTempDir();
  try {
    return await ended(spawnProgram(dir, args));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The program in `dir`, where its output isn't read line by line. */
export function spawnProgram(
  dir: string,
  args: readonly string[],
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=relay", MAIN, ...args],
    cwd: dir,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: dir,
      DENO_DIR,
      NO_COLOR: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** All that it says until it ends. */
export async function ended(
  child: Deno.ChildProcess,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Which servers a relay has besides DERP without TLS. */
export interface RelayProgramOptions {
  /** DERP with TLS and a certificate of its own, and STUN: what tailscaled needs. */
  readonly isPublic?: boolean;
}

/** A relay on a free port; disposing of it ends it. */
export class RelayProgram implements AsyncDisposable {
  readonly child: Child;
  readonly port: number;
  readonly stunPort: number;
  readonly #dir: string;
  /** Where it has TLS. */
  readonly #certificate: string | undefined;

  private constructor(
    child: Child,
    { dir, certificate, ports }: {
      dir: string;
      certificate: string | undefined;
      ports: readonly string[];
    },
  ) {
    this.child = child;
    this.#dir = dir;
    this.#certificate = certificate;
    [this.port = 0, this.stunPort = 0] = ports.map(Number);
  }

  /** Resolves when it is ready. */
  static async start(
    args: readonly string[],
    { isPublic = false }: RelayProgramOptions = {},
  ): Promise<RelayProgram> {
    const dir = await Deno.makeTempDir();
    const child = runProgram(dir, [
      ...["-a", `${HOST}:0`, "-c", `${dir}/key`],
      ...(isPublic
        ? [
          ...["-hostname", HOST, "-certmode", "manual", "-certdir", dir],
          ...["-http-port", "-1", "-stun-port", "0"],
        ]
        : ["-stun=false"]),
      ...args,
    ]);
    try {
      const ready = await child.line(
        /ready: HTTPS? .*?127\.0\.0\.1:(\d+).* STUN (?:off|on UDP port (\d+))/,
      );
      const certificate = isPublic
        ? await Deno.readTextFile(`${dir}/${HOST}.crt`)
        : undefined;
      const ports = ready.slice(1);
      return new RelayProgram(child, { dir, certificate, ports });
    } catch (error) {
      await child.stop();
      await Deno.remove(dir, { recursive: true });
      throw error;
    }
  }

  /** A client that is admitted. */
  async admits(key: NodePrivate): Promise<TestClient> {
    const conn = new DenoConn(
      await Deno.connect({ hostname: HOST, port: this.port }),
    );
    try {
      return await TestClient.overHttp(conn, { key });
    } catch (cause) {
      conn.close();
      if (!(cause instanceof ConnectionLostError)) throw cause;
      const log = this.child.lines.slice(-5).join("\n");
      throw new ConnectionLostError(`The relay refuses: ${log}`, { cause });
    }
  }

  /** A client that comes until it is admitted, as while a source is coming back. */
  async admitsAgain(key: NodePrivate): Promise<TestClient> {
    return await eventually(
      () => this.admits(key).catch(() => undefined),
      () => this.child.lines.slice(-5).join("\n"),
    );
  }

  /** A client that comes and is refused; the log line about it. */
  async refuses(key: NodePrivate): Promise<string> {
    const mark = this.child.mark;
    await assertRejects(() => this.admits(key), ConnectionLostError);
    return await this.#lineAbout("refused", key, mark);
  }

  /** The log line about a client that has been admitted. */
  admittedLine(key: NodePrivate): Promise<string> {
    return this.#lineAbout("admitted", key);
  }

  /** What the log says, from `mark` on, of how a source is. */
  changes(source: string, mark: number): ("down" | "back")[] {
    return this.child.lines.slice(mark)
      .filter((line) => line.includes(`"${source}"`))
      .flatMap((line) => {
        if (line.includes(" can't verify clients: ")) return ["down"];
        return line.endsWith(" answers again") ? ["back"] : [];
      });
  }

  /** Waits until the log says, from `mark` on, that a source is down, or that it is back. */
  async tells(
    state: "down" | "back",
    source: string,
    mark: number,
  ): Promise<void> {
    const changes = () => this.changes(source, mark);
    await eventually(
      () => Promise.resolve(changes().includes(state) || undefined),
      () => `${source} ${state} in ${this.child.lines.slice(mark).join("\n")}`,
    );
  }

  /** A page for operators. */
  async page(path: string): Promise<string> {
    const certificate = this.#certificate;
    using client = Deno.createHttpClient({
      caCerts: certificate === undefined ? [] : [certificate],
    });
    const scheme = certificate === undefined ? "http" : "https";
    const url = `${scheme}://${HOST}:${this.port}${path}`;
    return await (await fetch(url, { client })).text();
  }

  /** The line of `/debug/traffic` about a client. */
  async traffic(key: NodePrivate): Promise<Record<string, unknown>> {
    const text = await this.page("/debug/traffic");
    for (const line of text.trim().split("\n")) {
      const traffic = JSON.parse(line);
      if (traffic.Key === key.publicKey.toString()) return traffic;
    }
    throw new Error(`${key.publicKey} isn't in ${text}`);
  }

  async #lineAbout(
    what: string,
    key: NodePrivate,
    mark = 0,
  ): Promise<string> {
    const name = key.publicKey.shortString().replace(/\W/g, "\\$&");
    const line = await this.child.line(new RegExp(`${what} ${name}`), mark);
    return line.input!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.stop("SIGTERM");
    await Deno.remove(this.#dir, { recursive: true });
  }
}
