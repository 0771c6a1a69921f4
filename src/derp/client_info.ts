/** The JSON that ClientInfo and ServerInfo carry in their boxes. */
import { isJsonObject, type JsonObject } from "../util/json.ts";
import { MeshKey } from "../keys/mesh_key.ts";
import { ProtocolError } from "./errors.ts";
import { PROTOCOL_VERSION } from "./frame.ts";

/** What a client says about itself. Fields that we don't know are ignored. */
export interface ClientInfo {
  readonly version: number;
  readonly meshKey?: MeshKey;
  readonly canAckPings: boolean;
  readonly isProber: boolean;
}

/** Encodes a client's info as derper's client does, mesh key only if there is one. */
export function encodeClientInfo(info: ClientInfo): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({
    ...(info.meshKey && { meshKey: info.meshKey.reveal() }),
    version: info.version,
    CanAckPings: info.canAckPings,
    IsProber: info.isProber,
  }));
}

/**
 * Decodes a client's info, checked field by field; a field left out or null
 * has Go's zero value, and a mesh key that isn't one is an error as in derper.
 *
 * @throws ProtocolError "client_info"
 */
export function decodeClientInfo(json: Uint8Array): ClientInfo {
  const fields = parseObject(json);
  const version = fields.version ?? 0;
  const canAckPings = fields.CanAckPings ?? false;
  const isProber = fields.IsProber ?? false;
  const meshKey = fields.meshKey ?? "";
  if (typeof version !== "number") throw wrongField("version");
  if (typeof canAckPings !== "boolean") throw wrongField("CanAckPings");
  if (typeof isProber !== "boolean") throw wrongField("IsProber");
  if (typeof meshKey !== "string") throw wrongField("meshKey");
  if (!/^([0-9a-fA-F]{64})?$/.test(meshKey)) throw wrongField("meshKey");
  const key = MeshKey.parse(meshKey);
  return { version, canAckPings, isProber, ...(key && { meshKey: key }) };
}

/** The ServerInfo of a relay without rate limits. */
export function encodeServerInfo(): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ version: PROTOCOL_VERSION }),
  );
}

function wrongField(name: string): ProtocolError {
  return new ProtocolError(
    "client_info",
    `ClientInfo has a wrong value in "${name}"`,
  );
}

function parseObject(json: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(json));
  } catch {
    throw new ProtocolError("client_info", "ClientInfo is not JSON");
  }
  if (isJsonObject(value)) return value;
  throw new ProtocolError("client_info", "ClientInfo is no JSON object");
}
