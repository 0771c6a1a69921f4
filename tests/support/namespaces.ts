/** Two network namespaces with a cable between them; Linux, as root, with iproute2. */

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
} as const;
const CLONE_NEWNET = 0x40000000;

/** Why there can't be any here; undefined where there can. */
export function whyNoNamespaces(): string | undefined {
  if (Deno.build.os !== "linux") return "this isn't Linux";
  return Deno.uid() === 0 ? undefined : "only root makes network namespaces";
}

/** Takes this thread into a network namespace until it is disposed of; whatever connects meanwhile is there, too. */
export function enterNamespace(name: string): Disposable {
  const libc = Deno.dlopen("libc.so.6", SYMBOLS);
  const { open, close, setns } = libc.symbols;
  const openPath = (path: string) =>
    open(new TextEncoder().encode(`${path}\0`), 0);
  const home = openPath("/proc/thread-self/ns/net");
  const there = openPath(`/run/netns/${name}`);
  const isThere = setns(there, CLONE_NEWNET) === 0;
  close(there);
  const leave = () => {
    if (isThere) setns(home, CLONE_NEWNET);
    close(home);
    libc.close();
  };
  if (isThere) return { [Symbol.dispose]: leave };
  leave();
  throw new Error(`Can't enter the network namespace ${name}`);
}

/** Disposing of them ends what is in them, but for programs. */
export class Namespaces implements AsyncDisposable {
  /** For the relay. */
  readonly server: string;
  /** For who asks it. */
  readonly client: string;

  private constructor(name: string) {
    this.server = `${name}-s`;
    this.client = `${name}-c`;
  }

  /** Makes both; `addresses` are with their prefixes, as 192.0.2.1/24. */
  static async make(
    addresses: { server: readonly string[]; client: readonly string[] },
  ): Promise<Namespaces> {
    const name = `derper-${Deno.pid}-${crypto.randomUUID().slice(0, 4)}`;
    const namespaces = new Namespaces(name);
    const { server, client } = namespaces;
    try {
      await ip("netns", "add", server);
      await ip("netns", "add", client);
      const end = ["peer", "name", "cable", "netns", client];
      await ip(
        "-n",
        server,
        ...["link", "add", "cable", "type", "veth"],
        ...end,
      );
      for (
        const [side, name] of [["server", server], ["client", client]] as const
      ) {
        await ip("-n", name, "link", "set", "lo", "up");
        await ip("-n", name, "link", "set", "cable", "up");
        for (const address of addresses[side]) {
          await namespaces.address("add", address, name);
        }
      }
    } catch (error) {
      await namespaces[Symbol.asyncDispose]();
      throw error;
    }
    return namespaces;
  }

  /** Gives an address, of the relay's if nothing else is said, or takes it away. */
  async address(
    what: "add" | "del",
    address: string,
    namespace: string = this.server,
  ): Promise<void> {
    const noWait = address.includes(":") && what === "add" ? ["nodad"] : [];
    const device = ["dev", "cable"];
    await ip("-n", namespace, "address", what, address, ...device, ...noWait);
  }

  /** Runs `ip` in one of them. */
  async ip(namespace: string, ...args: readonly string[]): Promise<void> {
    await ip("-n", namespace, ...args);
  }

  /** Makes a socket in a namespace, where it stays; `make` must not wait for anything. */
  in<T>(namespace: string, make: () => T): T {
    using _there = enterNamespace(namespace);
    return make();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [this.server, this.client]) {
      await ip("netns", "del", name).catch(() => {}); // not made yet
    }
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  const command = new Deno.Command("ip", { args: [...args], stderr: "piped" });
  const { success, stderr } = await command.output();
  if (success) return;
  const why = new TextDecoder().decode(stderr).trim();
  throw new Error(`ip ${args.join(" ")}: ${why}`);
}
