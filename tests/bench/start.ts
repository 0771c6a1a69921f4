/** How soon a relay is there, and what it takes when nobody uses it. */
import { delay, systemClock } from "../../src/util/clock.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { median } from "../../src/probe/median.ts";
import type { RelayAddress } from "./load_client.ts";
import type { TestBed } from "./test_bed.ts";

const STARTS = 5;
const IDLE_MS = 5_000;

/** From nothing to the first answer, several times. The promises are those of a compiled program. */
export const start: Benchmark = {
  name: "start",
  async run(bed: TestBed): Promise<Figure[]> {
    const startsMs: number[] = [];
    const residentMb: number[] = [];
    for (let i = 0; i < STARTS; i++) {
      const beginMs = performance.now();
      await using relay = await bed.startRelay();
      await probe(relay.address);
      startsMs.push(performance.now() - beginMs);
      if (i === 0) continue; // it made its key, and the system had to read the file
      await delay(systemClock, IDLE_MS);
      residentMb.push(relay.residentKb() / 1024);
    }
    return [
      {
        name: "start to first answer",
        value: median(startsMs.slice(1)),
        unit: "ms",
        atMost: 150,
      },
      {
        name: "memory when idle",
        value: median(residentMb),
        unit: "MB",
        atMost: 60,
      },
      ...await programSize(bed.command),
    ];
  },
};

/** Where the command is a program alone, it is all there is. */
async function programSize(command: readonly string[]): Promise<Figure[]> {
  const [path, ...args] = command;
  if (path === undefined || args.length > 0) return [];
  const { size } = await Deno.stat(path);
  return [{ name: "size of the program", value: size / 1e6, unit: "MB" }];
}

/** Asks what clients ask; throws unless it is answered with 200. */
async function probe({ host, port, certificate }: RelayAddress): Promise<void> {
  using conn = await Deno.connectTls({
    hostname: host,
    port,
    caCerts: [certificate],
  });
  const request = `GET /derp/probe HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  await conn.write(new TextEncoder().encode(request));
  const answer = new Uint8Array(1024);
  const bytes = await conn.read(answer) ?? 0;
  const text = new TextDecoder().decode(answer.subarray(0, bytes));
  if (!text.startsWith("HTTP/1.1 200 ")) {
    throw new Error(`The relay answers the probe with ${JSON.stringify(text)}`);
  }
}
