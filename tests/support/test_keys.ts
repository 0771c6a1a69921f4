/** Keys that are the same in every run. */
import { MeshKey } from "../../src/keys/mesh_key.ts";
import { NodePrivate } from "../../src/keys/node_key.ts";

/** The private key of 32 times the byte `n`, 1 to 255. */
export function testKey(n: number): NodePrivate {
  const key = NodePrivate.parse(`privkey:${hexOf(n).repeat(32)}`);
  if (key === undefined) throw new RangeError(`Cannot make a key of ${n}`);
  return key;
}

/** The mesh key of 32 times the byte `n`, 1 to 255. */
export function testMeshKey(n: number): MeshKey {
  const key = MeshKey.parse(hexOf(n).repeat(32));
  if (key === undefined) throw new RangeError(`Cannot make a mesh key of ${n}`);
  return key;
}

function hexOf(n: number): string {
  return n.toString(16).padStart(2, "0");
}
