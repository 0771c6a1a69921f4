/** The first frame of a client, with whatever in its box. */
import { FrameType } from "../../src/derp/frame.ts";
import { encodeFrame } from "../../src/derp/messages.ts";
import type { NodePrivate } from "../../src/keys/node_key.ts";
import { concatBytes } from "../../src/util/bytes.ts";
import { testKey } from "./test_keys.ts";

/** A ClientInfo frame from `key` to the server of `testKey(1)`. */
export function clientHello(
  key: NodePrivate,
  json: string | Uint8Array = '{"version":2}',
): Uint8Array {
  const text = typeof json === "string" ? new TextEncoder().encode(json) : json;
  const box = key.sealTo(testKey(1).publicKey, text);
  return encodeFrame(
    FrameType.ClientInfo,
    concatBytes(key.publicKey.bytes, box),
  );
}
