/** The mesh key, from `-mesh-psk-file` or, with `-dev`, from the environment. */
import { MeshKey } from "../keys/mesh_key.ts";
import type { Mistake } from "./addresses.ts";
import { OperatorError } from "../util/operator_error.ts";
import { readSecretFile, secretFile } from "./secret_file.ts";

/** Where `-dev` looks for the mesh key. */
export const MESH_KEY_VARIABLE = "TAILSCALE_DERPER_MESH_KEY";

const DIGITS = 64;

/** The mesh key, and what an operator should know about its file. */
export interface LoadedMeshKey {
  readonly key: MeshKey;
  readonly warning?: string;
}

/** Reads the mesh key in the file at `path`. */
export async function loadMeshKey(path: string): Promise<LoadedMeshKey> {
  const file = await readSecretFile(secretFile(path, "mesh key file"));
  const { text, ...rest } = file ?? { text: undefined };
  const key = text === undefined ? "it does not exist" : parseMeshKey(text);
  if (typeof key !== "string") return { key, ...rest };
  throw new OperatorError(
    `Cannot use mesh key file ${
      JSON.stringify(path)
    }: ${key}; all relays of a mesh need the same ${DIGITS} hexadecimal digits in it`,
  );
}

/** The mesh key in `text`, white space around it aside; a mistake never quotes it. */
export function parseMeshKey(text: string): MeshKey | Mistake {
  const digits = text.trim();
  const key = MeshKey.parse(digits);
  if (key) return key;
  if (digits === "") return "it is empty";
  if (digits.length !== DIGITS) {
    return `it has ${digits.length} characters in place of ${DIGITS} hexadecimal digits`;
  }
  return /^0+$/.test(digits)
    ? "it is all zero"
    : "some of its characters are no hexadecimal digits";
}
