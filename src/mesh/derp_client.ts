/** The client's side of DERP: HTTP upgrade and handshake. */
import { encodeClientInfo } from "../derp/client_info.ts";
import { ProtocolError } from "../derp/errors.ts";
import {
  frameName,
  FrameType,
  PROTOCOL_VERSION,
  SERVER_LIMITS,
} from "../derp/frame.ts";
import { FrameReader } from "../derp/frame_reader.ts";
import { decodeServerKey, encodeFrame } from "../derp/messages.ts";
import type { MeshKey } from "../keys/mesh_key.ts";
import type { NodePrivate, NodePublic } from "../keys/node_key.ts";
import { type Conn, ConnectionLostError, writeAll } from "../net/conn.ts";

/** More than any relay answers an upgrade with. */
const MAX_ANSWER_BYTES = 4 * 1024;

/** Who we are to the relay. */
export interface DerpClientOptions {
  /** For the Host header: name, and port if it isn't 443. */
  readonly host: string;
  readonly key: NodePrivate;
  readonly meshKey?: MeshKey | undefined;
  readonly isProber?: boolean;
  /** Asks for DERP at once, without an HTTP answer in front of it. */
  readonly fastStart?: boolean;
}

/**
 * Upgrades the connection to DERP and reads the relay's key; goes no further,
 * so that whoever finds its own key there can leave.
 *
 * @throws ProtocolError, ConnectionLostError
 */
export async function upgradeToDerp(
  conn: Conn,
  { host, fastStart = false }: Pick<DerpClientOptions, "host" | "fastStart">,
): Promise<{ serverKey: NodePublic; reader: FrameReader }> {
  const fast = fastStart ? "Derp-Fast-Start: 1\r\n" : "";
  const request =
    `GET /derp HTTP/1.1\r\nHost: ${host}\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n${fast}\r\n`;
  await writeAll(conn, new TextEncoder().encode(request));
  const first = fastStart ? new Uint8Array() : await readAnswer(conn);
  const reader = new FrameReader(SERVER_LIMITS, first);
  await nextFrame(conn, reader, FrameType.ServerKey);
  return { serverKey: decodeServerKey(reader.payload()), reader };
}

/**
 * Proves our key and waits to be admitted.
 *
 * @throws ProtocolError, ConnectionLostError when the relay refuses us
 */
export async function introduce(
  conn: Conn,
  { serverKey, reader }: { serverKey: NodePublic; reader: FrameReader },
  { key, meshKey, isProber = false }: DerpClientOptions,
): Promise<void> {
  const info = {
    version: PROTOCOL_VERSION,
    canAckPings: true,
    isProber,
    ...(meshKey && { meshKey }),
  };
  const box = key.boxWith(serverKey);
  if (box === undefined) {
    throw new ProtocolError("server_info", "the relay's key is of low order");
  }
  await writeAll(
    conn,
    encodeFrame(
      FrameType.ClientInfo,
      key.publicKey.bytes,
      box.seal(encodeClientInfo(info)),
    ),
  );
  await nextFrame(conn, reader, FrameType.ServerInfo);
  if (box.open(reader.payload()) === undefined) {
    throw new ProtocolError(
      "server_info",
      "ServerInfo does not open with the relay's key",
    );
  }
}

/** Reads up to the end of the HTTP answer; resolves to what came after it. */
async function readAnswer(conn: Conn): Promise<Uint8Array> {
  const answer = new Uint8Array(MAX_ANSWER_BYTES);
  let filled = 0;
  while (filled < answer.length) {
    const bytes = await conn.read(answer.subarray(filled));
    if (bytes === null) {
      throw new ConnectionLostError(
        "the connection was closed instead of upgraded",
      );
    }
    filled += bytes;
    const text = String.fromCharCode(...answer.subarray(0, filled)); // Latin-1, a character a byte
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const status = /^HTTP\/1\.1 (\d{3})\b/.exec(text)?.[1];
    if (status === "101") return answer.subarray(end + 4, filled);
    throw new ProtocolError(
      "frame_order",
      `the answer to the upgrade is ${JSON.stringify(text.slice(0, 40))}`,
    );
  }
  throw new ProtocolError(
    "frame_order",
    "the answer to the upgrade is too long",
  );
}

async function nextFrame(
  conn: Conn,
  reader: FrameReader,
  type: FrameType,
): Promise<void> {
  while (!reader.next()) {
    const bytes = await conn.read(reader.space());
    if (bytes === null) {
      throw new ConnectionLostError(
        `the relay closed the connection before ${frameName(type)}`,
      );
    }
    reader.filled(bytes);
  }
  if (reader.type !== type) {
    throw new ProtocolError(
      "frame_order",
      `${frameName(reader.type)} frame instead of ${frameName(type)}`,
    );
  }
}
