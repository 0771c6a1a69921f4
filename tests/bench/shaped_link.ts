/**
 * A slow link on this machine: a client in a network namespace, behind another
 * one that forwards through a token bucket filter, so that what waits for the
 * link doesn't wait in the relay's own kernel. Linux, as root, with iproute2.
 */

// RFC 2544: addresses for benchmarks.
const RELAY = "198.18.71.1";
const ROUTER = ["198.18.71.2", "198.18.72.1"] as const;
const CLIENT = "198.18.72.2";
const CLIENT_NETWORK = "198.18.72.0/24";

export interface LinkPlan {
  readonly mbitPerSecond: number;
  /** How long the link itself lets packets wait. */
  readonly latencyMs: number;
}

/** Where clients have to be to sit behind the link. */
export interface FarEnd {
  /** The network namespace's name. */
  readonly namespace: string;
  /** This machine, seen from there. */
  readonly nearAddress: string;
}

/** Disposing of it removes it. */
export class ShapedLink implements AsyncDisposable {
  readonly #router = `derp-bench-r-${Deno.pid}`;
  readonly farEnd: FarEnd = {
    namespace: `derp-bench-c-${Deno.pid}`,
    nearAddress: RELAY,
  };

  /** Throws where that isn't allowed, or the tools are missing. */
  static async make(plan: LinkPlan): Promise<ShapedLink> {
    const link = new ShapedLink();
    try {
      await link.#make(plan);
      return link;
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Their devices and routes go with them.
    await run(`ip netns del ${this.farEnd.namespace}`).catch(() => {});
    await run(`ip netns del ${this.#router}`).catch(() => {});
  }

  async #make({ mbitPerSecond, latencyMs }: LinkPlan): Promise<void> {
    const router = this.#router;
    const client = this.farEnd.namespace;
    for (
      const command of [
        `ip netns add ${router}`,
        `ip netns add ${client}`,
        `ip link add derpbench0 type veth peer name near netns ${router}`,
        `ip -n ${router} link add far type veth peer name far netns ${client}`,
        `ip addr add ${RELAY}/24 dev derpbench0`,
        `ip -n ${router} addr add ${ROUTER[0]}/24 dev near`,
        `ip -n ${router} addr add ${ROUTER[1]}/24 dev far`,
        `ip -n ${client} addr add ${CLIENT}/24 dev far`,
        `ip link set derpbench0 gso_max_segs 1 up`, // or the filter sees packets of 64 KB
        `ip -n ${router} link set near up`,
        `ip -n ${router} link set far up`,
        `ip -n ${client} link set far up`,
        `ip netns exec ${router} sysctl -qw net.ipv4.ip_forward=1`,
        `ip route add ${CLIENT_NETWORK} via ${ROUTER[0]}`,
        `ip -n ${client} route add default via ${ROUTER[1]}`,
        `tc -n ${router} qdisc add dev far root tbf rate ${mbitPerSecond}mbit burst 16kb latency ${latencyMs}ms`,
      ]
    ) await run(command);
  }
}

async function run(command: string): Promise<void> {
  const [program = "", ...args] = command.split(" ");
  const { success, stderr } = await new Deno.Command(program, { args })
    .output();
  if (success) return;
  const why = new TextDecoder().decode(stderr).trim();
  throw new Error(`"${command}" failed: ${why}`);
}
