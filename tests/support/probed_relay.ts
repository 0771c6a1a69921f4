/** Relays to probe, ours and the Go derper, all with TLS, STUN and a mesh key. */
import { findGoDerper, GoDerper } from "./go_derper.ts";
import { RelayProgram, runCommand } from "./relay_program.ts";

const HOST = "127.0.0.1";
/** The Go derper, where there is one. */
const goDerper = findGoDerper();

/** A running relay, and what the commands have to be told of it; disposing of it ends it. */
export interface ProbedRelay extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly stunPort: number;
  /** `sha256-raw:` and the digits. */
  readonly certName: string;
  readonly meshKeyFile: string;
  /** A file with another mesh key. */
  readonly wrongKeyFile: string;
}

/** Starts a relay with further flags of derper. */
export type StartRelay = (...flags: string[]) => Promise<ProbedRelay>;

/** By the name that tests have for them; the Go derper only where it is. */
export const RELAYS: ReadonlyMap<string, StartRelay> = new Map([
  ["our relay", startOurs],
  ...goDerper === undefined
    ? []
    : [["the Go derper", startGo(goDerper)] as const],
]);

/** Our own relay, as a program. */
export async function startOurs(...flags: string[]): Promise<ProbedRelay> {
  return await withKeys(async (meshKeyFile) => {
    const args = ["-mesh-psk-file", meshKeyFile, ...flags];
    const relay = await RelayProgram.start(args, { isPublic: true });
    const line = await relay.child.line(/"CertName":"(sha256-raw:\w+)"/);
    return { relay, certName: line[1]! };
  });
}

function startGo(path: string): StartRelay {
  return (...flags) =>
    withKeys(async (meshKeyFile) => {
      const args = ["-mesh-psk-file", meshKeyFile, ...flags];
      const relay = await GoDerper.start(path, args);
      return { relay, certName: relay.certName };
    });
}

async function withKeys(
  start: (meshKeyFile: string) => Promise<{
    relay: AsyncDisposable & { port: number; stunPort: number };
    certName: string;
  }>,
): Promise<ProbedRelay> {
  const dir = await Deno.makeTempDir();
  const meshKeyFile = await writeKey(`${dir}/mesh`, "ab");
  const wrongKeyFile = await writeKey(`${dir}/wrong`, "cd");
  try {
    const { relay, certName } = await start(meshKeyFile);
    const { port, stunPort } = relay;
    return {
      url: `https://${HOST}:${port}`,
      port,
      stunPort,
      certName,
      meshKeyFile,
      wrongKeyFile,
      async [Symbol.asyncDispose]() {
        await relay[Symbol.asyncDispose]();
        await Deno.remove(dir, { recursive: true });
      },
    };
  } catch (error) {
    await Deno.remove(dir, { recursive: true });
    throw error;
  }
}

async function writeKey(path: string, digits: string): Promise<string> {
  await Deno.writeTextFile(path, digits.repeat(32), { mode: 0o600 });
  return path;
}

/** One object of `derper probe -json`. */
export interface ProbeJson {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly check: string;
    readonly status: string;
    readonly seen: string;
    readonly advice?: string;
    readonly measured?: Record<string, number>;
  }[];
}

/** Runs `derper probe -json`. */
export async function probeJson(
  ...args: string[]
): Promise<{ code: number; result: ProbeJson; find: Find }> {
  const { code, stdout, stderr } = await runCommand("probe", "-json", ...args);
  if (stderr !== "") throw new Error(stderr);
  const result: ProbeJson = JSON.parse(stdout);
  const find: Find = (name) => {
    const found = result.checks.find(({ check }) => check === name);
    if (found === undefined) throw new Error(`No ${name} in ${stdout}`);
    return found;
  };
  return { code, result, find };
}

/** The row of a check. */
export type Find = (check: string) => ProbeJson["checks"][number];
