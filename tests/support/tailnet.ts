/** Tailnets with real tailscaleds, on the loopback interface and without root. */
import { NodePrivate, NodePublic } from "../../src/keys/node_key.ts";
import { Child, eventually } from "./child.ts";
import {
  controlProgram,
  NEWEST,
  type TailscalePrograms,
  tailscalePrograms,
  type TailscaleVersion,
} from "./tailscale_programs.ts";

/** Where the tailnet's only relay is; by default nowhere. */
export interface TailnetOptions {
  readonly derpPort?: number;
  readonly stunPort?: number;
}

/** A control server, and with it a tailnet. */
export class Tailnet implements AsyncDisposable {
  readonly #control: Child;
  readonly url: string;

  private constructor(control: Child, url: string) {
    this.#control = control;
    this.url = url;
  }

  static async start(options: TailnetOptions = {}): Promise<Tailnet> {
    const { derpPort = 1, stunPort = -1 } = options;
    const control = new Child([
      await controlProgram(),
      `-derp-port=${derpPort}`,
      `-stun-port=${stunPort}`,
    ]);
    try {
      const [url] = await control.line(/^http:.*/);
      return new Tailnet(control, url);
    } catch (error) {
      await control.stop();
      throw error;
    }
  }

  /** Adds a node whose private key the test has; `daemon` has noticed when this resolves. */
  async add(
    daemon: Tailscaled,
    name: string,
    key: NodePrivate = NodePrivate.generate(),
  ): Promise<NodePrivate> {
    const query = { key: key.publicKey.toString(), name };
    await this.#ask("POST", "node", query);
    await daemon.sees(key.publicKey);
    return key;
  }

  /** Deletes a node; `daemon` has noticed when this resolves, and hears of no other change any more. */
  async remove(daemon: Tailscaled, key: NodePublic): Promise<void> {
    const seer = (await daemon.publicKey()).toString();
    const query = { key: key.toString(), "seen-by": seer };
    await this.#ask("DELETE", "node", query);
    await daemon.misses(key);
  }

  /** Lets the keys of all nodes expire; `daemon` has noticed when this resolves. */
  async expire(daemon: Tailscaled): Promise<void> {
    await this.#ask("POST", "expire");
    await daemon.isIn("NeedsLogin");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#control.stop();
  }

  async #ask(
    method: string,
    what: string,
    query: Record<string, string> = {},
  ): Promise<void> {
    const url = `${this.url}/test/${what}?${new URLSearchParams(query)}`;
    const response = await fetch(url, { method });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${url}: ${text}`);
  }
}

/** How a tailscaled is run. */
export interface TailscaledOptions {
  readonly version?: TailscaleVersion;
  readonly hostname?: string;
  readonly env?: Record<string, string>;
  /** Where the socket and the state are to be; by default a new one. */
  readonly dir?: string;
}

/** What `tailscale status --json` says, as far as the tests look at it. */
interface Status {
  readonly BackendState: string;
  readonly Self: {
    readonly PublicKey: string;
    readonly TailscaleIPs: readonly string[] | null;
    readonly Relay: string;
  };
  readonly Peer: Record<string, { readonly PublicKey: string }> | null;
}

/** One that has joined a tailnet, until it is disposed of. */
export class Tailscaled implements AsyncDisposable {
  readonly dir: string;
  readonly version: TailscaleVersion;
  readonly #programs: TailscalePrograms;
  readonly #env: Record<string, string>;
  #daemon: Child | undefined;

  private constructor(
    programs: TailscalePrograms,
    dir: string,
    env: Record<string, string>,
  ) {
    this.dir = dir;
    this.version = programs.version;
    this.#programs = programs;
    this.#env = env;
  }

  static async join(
    tailnet: Tailnet,
    options: TailscaledOptions = {},
  ): Promise<Tailscaled> {
    const { version = NEWEST, hostname = "relay", env, dir } = options;
    const daemon = new Tailscaled(
      await tailscalePrograms(version),
      dir ?? await Deno.makeTempDir(),
      environment(tailnet, env),
    );
    try {
      await daemon.#start((status) => status.BackendState === "NeedsLogin");
      await daemon.cli(
        "up",
        `--login-server=${tailnet.url}`,
        `--hostname=${hostname}`,
        "--accept-dns=false",
        "--timeout=20s",
      );
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  get socket(): string {
    return `${this.dir}/tailscaled.sock`;
  }

  /** Starts it again with the state that it had, and waits until it has heard of its tailnet. */
  start(): Promise<void> {
    return this.#start(({ Self: self }) => self.TailscaleIPs !== null);
  }

  async #start(isReady: (status: Status) => boolean): Promise<void> {
    const { daemon, version } = this.#programs;
    this.#daemon = new Child([
      // It ends when its descriptor 3 does, and that is with the test process.
      ...["sh", "-c", 'exec "$@" 3<&0 </dev/null', "sh"],
      daemon,
      "--tun=userspace-networking",
      `--socket=${this.socket}`,
      `--statedir=${this.dir}`,
      "--port=0",
      "--no-logs-no-support",
      ...(version === NEWEST ? ["--encrypt-state=false"] : []),
    ], { env: { ...this.#env, HOME: this.dir, TS_LOGS_DIR: this.dir } });
    await eventually(
      async () => {
        const status = await this.#status().catch(() => undefined);
        return status && isReady(status) || undefined;
      },
      () =>
        `tailscaled ${version}: ${this.#daemon?.lines.slice(-9).join("\n")}`,
    );
  }

  /** Kills it; its socket file stays, as after a crash. */
  async kill(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  /** What a `tailscale` command prints. */
  async cli(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(
      this.#programs.cli,
      {
        args: [`--socket=${this.socket}`, ...args],
        clearEnv: true,
        env: { HOME: this.dir },
        stdin: "null",
      },
    ).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (success) return decode(stdout);
    throw new Error(`tailscale ${args.join(" ")}: ${decode(stderr).trim()}`);
  }

  /** Waits until the node of `key` is among its peers. */
  async sees(key: NodePublic): Promise<void> {
    await eventually(
      async () => await this.#hasPeer(key) || undefined,
      () => `${key} as a peer`,
    );
  }

  /** Waits until the node of `key` is not among its peers. */
  async misses(key: NodePublic): Promise<void> {
    await eventually(
      async () => !await this.#hasPeer(key) || undefined,
      () => `${key} as no peer any longer`,
    );
  }

  /** Waits until it is in a state. */
  async isIn(state: string): Promise<void> {
    await eventually(
      async () => (await this.#status()).BackendState === state || undefined,
      () => `the state ${state}`,
    );
  }

  /** Waits until the relay is its home. */
  async hasHome(): Promise<void> {
    await eventually(async () => {
      const { Self: self } = await this.#status();
      return self.Relay === "test" ? true : undefined;
    }, () => "a home");
  }

  async publicKey(): Promise<NodePublic> {
    return NodePublic.parse((await this.#status()).Self.PublicKey)!;
  }

  async ip(): Promise<string> {
    return (await this.#status()).Self.TailscaleIPs![0]!;
  }

  /** Its node's private key, out of its state file. */
  async privateKey(): Promise<NodePrivate> {
    const text = await Deno.readTextFile(`${this.dir}/tailscaled.state`);
    const state: Record<string, string> = JSON.parse(text);
    const profile = Object.entries(state)
      .find(([name]) => name.startsWith("profile-"));
    const { Config: config } = JSON.parse(atob(profile![1]));
    return NodePrivate.parse(config.PrivateNodeKey)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.dir, { recursive: true });
  }

  async #hasPeer(key: NodePublic): Promise<boolean> {
    const { Peer: peers } = await this.#status();
    return Object.values(peers ?? {})
      .some((peer) => peer.PublicKey === key.toString());
  }

  async #status(): Promise<Status> {
    return JSON.parse(await this.cli("status", "--json"));
  }
}

/** What keeps tailscaled from asking and telling the world outside. */
function environment(
  tailnet: Tailnet,
  env: Record<string, string> = {},
): Record<string, string> {
  return {
    TS_PARENT_DEATH_FD: "3",
    TS_PANIC_IF_HIT_MAIN_CONTROL: "1",
    TS_DISABLE_PORTMAPPER: "1",
    TS_ASSUME_NETWORK_UP_FOR_TEST: "1",
    TS_NETCHECK_GENERATE_204_URL: `${tailnet.url}/generate_204`,
    ...env,
  };
}
