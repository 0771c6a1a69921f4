/** The rules for the flags of the mesh and its key. */
import { httpUrlMistake, parseMeshTarget } from "./addresses.ts";
import type { Config } from "./config.ts";
import type { Findings } from "./findings.ts";
import { MESH_KEY_VARIABLE, parseMeshKey } from "./mesh_psk.ts";
import type { Surroundings } from "./surroundings.ts";

/** What derper calls the mesh key at a setec server. */
const SECRET = "meshkey";

type KeySource = Pick<Config, "meshPskFile" | "meshKey" | "secrets">;

/** The mesh and where its key comes from. */
export function mesh(
  findings: Findings,
  { env }: Surroundings,
): KeySource & Pick<Config, "meshWith"> {
  const { dev } = findings.values;
  const key = dev ? devKey(findings, env) : keySource(findings);
  const list = findings.values["mesh-with"];
  if (list === "") return { ...key, meshWith: [] };
  const targets = list.split(",").map((entry) => parseMeshTarget(entry.trim()));
  for (const target of targets) {
    if (typeof target === "string") findings.check("mesh-with", target);
  }
  const isKeyGiven = dev
    ? (env(MESH_KEY_VARIABLE) ?? "") !== ""
    : Object.keys(key).length > 0;
  if (!isKeyGiven) {
    const source = dev ? MESH_KEY_VARIABLE : "-mesh-psk-file or -secrets-url";
    findings.check("mesh-with", `a mesh needs a key, give it with ${source}`);
  }
  return { ...key, meshWith: targets.filter((t) => typeof t !== "string") };
}

/** As derper, -dev takes the mesh key from the environment and from nowhere else. */
function devKey(findings: Findings, env: Surroundings["env"]): KeySource {
  const why = `with -dev, which takes ${MESH_KEY_VARIABLE}`;
  findings.unused(why, "mesh-psk-file", "secrets-url");
  const given = env(MESH_KEY_VARIABLE) ?? "";
  if (given === "") return {};
  const key = parseMeshKey(given);
  if (typeof key !== "string") return { meshKey: key };
  findings.problems.push(
    `Invalid mesh key in the environment variable ${MESH_KEY_VARIABLE}: ${key}`,
  );
  return {};
}

/** As in derper, a setec server comes before a file. */
function keySource(findings: Findings): KeySource {
  const {
    "secrets-url": url,
    "secrets-path-prefix": prefix,
    "secrets-cache-dir": cachePath,
    "mesh-psk-file": meshPskFile,
  } = findings.values;
  if (url === "") {
    const why = "without -secrets-url";
    findings.unused(why, "secrets-path-prefix", "secrets-cache-dir");
    return meshPskFile === "" ? {} : { meshPskFile };
  }
  findings.unused("with -secrets-url", "mesh-psk-file");
  findings.check("secrets-url", httpUrlMistake(url));
  if (cachePath === "") {
    findings.check(
      "secrets-cache-dir",
      "-secrets-url needs a file to keep the mesh key in",
    );
  }
  return { secrets: { url, secretName: secretName(prefix), cachePath } };
}

/** As Go joins paths. */
function secretName(prefix: string): string {
  const parts = prefix.split("/").filter((part) => part !== "");
  const root = prefix.startsWith("/") ? "/" : "";
  return root + [...parts, SECRET].join("/");
}
