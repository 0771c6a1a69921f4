/** What a packet costs that goes over two relays. */
import { toHex } from "../../src/util/bytes.ts";
import { freePorts } from "../support/free_ports.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { CrowdThread } from "./crowd_thread.ts";
import { measureCost } from "./relay_cost.ts";
import { HOST, type RelayProcess } from "./relay_process.ts";
import type { TestBed } from "./test_bed.ts";

const PAIRS = 10;
const PLAN = { packetsPerSecond: 5_000, packetBytes: 1_400 };
const MESH_KEY_BYTES = 32;

/** The same traffic to clients of the same relay, and to clients of its mesh peer. */
export const mesh: Benchmark = {
  name: "mesh",
  async run(bed: TestBed): Promise<Figure[]> {
    const keyFile = `${bed.dir}/mesh.key`;
    await Deno.writeTextFile(keyFile, randomHex(), { mode: 0o600 });
    const [nearPort = 0, farPort = 0] = freePorts("tcp", "tcp");
    const start = (port: number, peer: number) =>
      bed.startRelay({
        port,
        flags: ["-mesh-psk-file", keyFile, "-mesh-with", `${HOST}:${peer}`],
      });
    await using near = await start(nearPort, farPort);
    await using far = await start(farPort, nearPort);
    using neighbours = new CrowdThread();
    using strangers = new CrowdThread();
    await neighbours.call("joinPairs", PAIRS, { from: near.address });
    await strangers.call("joinPairs", PAIRS, {
      from: near.address,
      to: far.address,
    });
    await untilMeshed(strangers, [near, far]);
    const local = await measureCost([near], neighbours, PLAN);
    const remote = await measureCost([near, far], strangers, PLAN);
    const [localUs] = local.cpuUs as [number];
    const [nearUs, farUs] = remote.cpuUs as [number, number];
    return [
      { name: "CPU per packet, local", value: localUs, unit: "us" },
      { name: "CPU per packet, sender's relay", value: nearUs, unit: "us" },
      { name: "CPU per packet, receiver's relay", value: farUs, unit: "us" },
      {
        name: "sender's relay / local",
        value: nearUs / localUs,
        unit: "x",
        atMost: 1.2,
      },
      {
        name: "receiver's relay / local",
        value: farUs / localUs,
        unit: "x",
        atMost: 1.2,
      },
      { name: "p99, local", value: local.p99Ms, unit: "ms" },
      { name: "p99, over two relays", value: remote.p99Ms, unit: "ms" },
      {
        name: "packets lost over two relays",
        value: remote.lostShare * 100,
        unit: "%",
      },
    ];
  },
};

/** The relays may need several attempts to reach each other, as one was started first. */
async function untilMeshed(
  crowd: CrowdThread,
  relays: readonly RelayProcess[],
): Promise<void> {
  const plan = { packetsPerSecond: 100, packetBytes: 100 };
  for (let attempt = 1;; attempt++) {
    try {
      await crowd.measure(plan, { warmUpMs: 500, measureMs: 500 });
      return;
    } catch (error) {
      if (attempt < 20) continue;
      const logs = relays.map((relay) => relay.log).join("\n");
      throw new Error(`The relays don't reach each other: ${error}\n${logs}`);
    }
  }
}

function randomHex(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(MESH_KEY_BYTES)));
}
