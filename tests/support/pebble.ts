/** Pebble, the ACME server that Let's Encrypt makes for tests, with a DNS server that says 127.0.0.1 to everything. */
import { delay, systemClock } from "../../src/util/clock.ts";
import { ISSUER_CERT, LEAF_CERT, LEAF_KEY } from "./certs/chain.ts";
import { freePorts } from "./free_ports.ts";

const VERSION = "v2.10.1";
const MODULE = "github.com/letsencrypt/pebble/v2/cmd";
const PROGRAMS = ["pebble", "pebble-challtestsrv"];
const START_MS = 20_000;

/** What differs from one test to another. */
export interface PebbleOptions {
  /** Key id and HMAC key of external accounts; where there is one, accounts need it. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** Whom the server doesn't certify. */
  readonly blocked?: readonly string[];
  /** Whether there is that profile; orders that name none get any that there is, by chance. */
  readonly shortLived?: boolean;
  /** In percent, how many requests are told that their nonce is bad. */
  readonly badNonces?: number;
}

/** The directory of both programs, built where they are missing; undefined without Go: tests then skip, and say so. */
export function findPebble(): string | undefined {
  const cache = Deno.env.get("XDG_CACHE_HOME") ||
    `${Deno.env.get("HOME")}/.cache`;
  const directory = `${cache}/pebble-${VERSION}`;
  try {
    if (PROGRAMS.every((name) => isFile(`${directory}/${name}`))) {
      return directory;
    }
    const { success } = new Deno.Command("go", {
      args: ["install", ...PROGRAMS.map((p) => `${MODULE}/${p}@${VERSION}`)],
      env: { GOBIN: directory },
    }).outputSync();
    return success ? directory : undefined;
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A running server; its certificate is that of tests/support/certs/chain.ts. */
export class Pebble implements AsyncDisposable {
  readonly directoryUrl: string;
  readonly managementUrl: string;
  /** Where it asks for HTTP-01 challenges, on every name and address. */
  readonly httpPort: number;
  readonly #dir: string;
  readonly #children: Deno.ChildProcess[] = [];
  /** What it has said so far. */
  output = "";
  #read: Promise<void> = Promise.resolve();

  private constructor(dir: string, ports: readonly number[]) {
    this.#dir = dir;
    this.directoryUrl = `https://127.0.0.1:${ports[0]}/dir`;
    this.managementUrl = `https://127.0.0.1:${ports[1]}`;
    this.httpPort = ports[2]!;
  }

  /** Starts both programs and waits until the server listens. */
  static async start(
    programs: string,
    options: PebbleOptions = {},
  ): Promise<Pebble> {
    const dir = await Deno.makeTempDir();
    const ports = freePorts("tcp", "tcp", "tcp", "tcp", "tcp");
    const pebble = new Pebble(dir, ports);
    try {
      await pebble.#start(programs, { ports, options });
      return pebble;
    } catch (error) {
      await pebble[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map(({ status }) => status));
    await this.#read;
    await Deno.remove(this.#dir, { recursive: true });
  }

  async #start(
    programs: string,
    { ports, options }: { ports: readonly number[]; options: PebbleOptions },
  ): Promise<void> {
    const [listen, management, httpPort, dns, dnsManagement] = ports;
    const { externalAccounts, blocked = [], badNonces = 0, shortLived } =
      options;
    const config = {
      pebble: {
        listenAddress: `127.0.0.1:${listen}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: `${this.#dir}/cert.pem`,
        privateKey: `${this.#dir}/key.pem`,
        httpPort,
        tlsPort: 1,
        externalAccountBindingRequired: externalAccounts !== undefined,
        externalAccountMACKeys: externalAccounts ?? {},
        domainBlocklist: blocked,
        retryAfter: { authz: 1, order: 1 },
        keyAlgorithm: "ecdsa",
        profiles: {
          default: { description: "90 days", validityPeriod: 7_776_000 },
          ...(shortLived && {
            shortlived: { description: "6 days", validityPeriod: 518_400 },
          }),
        },
      },
    };
    await Deno.writeTextFile(
      `${this.#dir}/config.json`,
      JSON.stringify(config),
    );
    await Deno.writeTextFile(`${this.#dir}/cert.pem`, LEAF_CERT + ISSUER_CERT);
    await Deno.writeTextFile(`${this.#dir}/key.pem`, LEAF_KEY);
    this.#children.push(
      new Deno.Command(`${programs}/pebble-challtestsrv`, {
        args: [
          `-dnsserver=127.0.0.1:${dns}`,
          `-management=127.0.0.1:${dnsManagement}`,
          "-defaultIPv6=",
          "-http01=",
          "-https01=",
          "-tlsalpn01=",
          "-doh=",
        ],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn(),
    );
    const server = new Deno.Command(`${programs}/pebble`, {
      args: [
        `-config=${this.#dir}/config.json`,
        `-dnsserver=127.0.0.1:${dns}`,
      ],
      env: {
        PEBBLE_VA_NOSLEEP: "1",
        PEBBLE_AUTHZREUSE: "0",
        PEBBLE_WFE_NONCEREJECT: String(badNonces),
      },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#children.push(server);
    this.#read = this.#collect(server.stdout);
    await listening(listen!);
    await listening(dnsManagement!);
  }

  async #collect(stdout: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stdout) {
      this.output += decoder.decode(chunk, { stream: true });
    }
  }
}

async function listening(port: number): Promise<void> {
  const endMs = systemClock.nowMs() + START_MS;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (cause) {
      if (systemClock.nowMs() > endMs) throw cause;
      await delay(systemClock, 50);
    }
  }
}
