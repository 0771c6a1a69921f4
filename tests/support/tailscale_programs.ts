/** Tailscale's own programs, built from source where they are missing. */

import { toHex } from "../../src/util/bytes.ts";

/** The releases that the relay is tried with; the oldest is too old to be asked about a node key directly. */
export const TAILSCALE_VERSIONS = ["v1.64.2", "v1.80.3", "v1.102.5"] as const;
export type TailscaleVersion = typeof TAILSCALE_VERSIONS[number];

export const OLDEST: TailscaleVersion = "v1.64.2";
export const MIDDLE: TailscaleVersion = "v1.80.3";
export const NEWEST: TailscaleVersion = "v1.102.5";

const CONTROL_SOURCE = new URL("../tailnet/control", import.meta.url).pathname;

const CACHE = Deno.env.get("XDG_CACHE_HOME") ||
  `${Deno.env.get("HOME")}/.cache`;

/** Where the programs of a release are. */
export interface TailscalePrograms {
  readonly version: TailscaleVersion;
  readonly daemon: string;
  readonly cli: string;
}

/** The programs of `version`; building them takes minutes, once. */
export async function tailscalePrograms(
  version: TailscaleVersion,
): Promise<TailscalePrograms> {
  const own = `${CACHE}/derper-tests/tailscale-${version}`;
  // The acceptance suite builds the newest.
  const directories = [own, `${CACHE}/interop-tailscale-${version}`];
  const built = directories.find((directory) =>
    isFile(`${directory}/tailscaled`) && isFile(`${directory}/tailscale`)
  );
  const directory = built ?? own;
  if (built === undefined) {
    const packages = ["tailscaled", "tailscale"].map((name) =>
      `tailscale.com/cmd/${name}@${version}`
    );
    await go(["install", ...packages], { env: { GOBIN: directory } });
  }
  return {
    version,
    daemon: `${directory}/tailscaled`,
    cli: `${directory}/tailscale`,
  };
}

/** The control server of tests/tailnet/control, built anew when its source changes. */
export async function controlProgram(): Promise<string> {
  const sources = ["main.go", "go.mod"].map((name) =>
    Deno.readTextFileSync(`${CONTROL_SOURCE}/${name}`)
  );
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(sources.join("")),
  );
  const id = toHex(new Uint8Array(digest, 0, 8));
  const path = `${CACHE}/derper-tests/control-${id}`;
  if (!isFile(path)) {
    await go(["build", "-o", path, "."], { cwd: CONTROL_SOURCE });
  }
  return path;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function go(
  args: string[],
  options: Pick<Deno.CommandOptions, "cwd" | "env">,
): Promise<void> {
  const what = `go ${args.join(" ")}`;
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("go", { args, ...options }).output();
  } catch (cause) {
    throw new Error(
      `Cannot run ${what}; these tests need Go in PATH, as new as tests/tailnet/control/go.mod says`,
      { cause },
    );
  }
  if (output.success) return;
  const text = new TextDecoder().decode(output.stderr).trim();
  throw new Error(`${what} failed: ${text}`);
}
