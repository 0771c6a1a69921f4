/** Directories with certificate files, loaded as the relay does. */
import {
  checkManualPair,
  makeManualPair,
  readManualPair,
} from "../../../src/certs/manual.ts";
import type { ServedCertificate } from "../../../src/certs/provider.ts";
import { NodePrivate } from "../../../src/keys/node_key.ts";

/** The node key in all meta certificates. */
export const SERVER_KEY = NodePrivate.generate().publicKey;
/** Within the validity of all fixtures. */
export const NOW = new Date("2027-01-01T00:00:00Z");

/** Runs `fn` with a directory that has `files`, and removes it. */
export async function withDir(
  files: Readonly<Record<string, string>>,
  fn: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Loads, makes and checks a pair as the relay does at its start. */
export async function load(
  certDir: string,
  hostname: string,
  { now = NOW }: { now?: Date } = {},
): Promise<ServedCertificate> {
  const options = { certDir, hostname, serverKey: SERVER_KEY, now };
  const pair = await readManualPair(options) ?? await makeManualPair(options);
  return checkManualPair(pair, options);
}

/** The names in `dir`, sorted. */
export async function listDir(dir: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(dir)) names.push(name);
  return names.sort();
}
