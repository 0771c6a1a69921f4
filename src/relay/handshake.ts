/** Who is there: the server's key, the client's answer to it. */
import { type ClientInfo, decodeClientInfo } from "../derp/client_info.ts";
import { ProtocolError } from "../derp/errors.ts";
import { frameName, FrameType, HELLO_LIMITS } from "../derp/frame.ts";
import { FrameReader } from "../derp/frame_reader.ts";
import { encodeServerKey } from "../derp/messages.ts";
import type { SharedBox } from "../keys/nacl_box.ts";
import { KEY_BYTES, type NodePrivate, NodePublic } from "../keys/node_key.ts";
import { type Conn, ConnectionLostError, writeAll } from "../net/conn.ts";
import { concatBytes } from "../util/bytes.ts";
import type { Clock, Turn } from "../util/clock.ts";
import { TurnBudget } from "../util/turn_budget.ts";

/** For ServerKey to be taken and ClientInfo to come; derper allows 10 s for each. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** What came before DERP on the connection. */
export interface DerpStart {
  /** Written before ServerKey, in the same write: the HTTP answer, or nothing. */
  readonly preface: Uint8Array;
  /** What the client has sent already. */
  readonly rest: Uint8Array;
  /** The client had to come here although another node is its ideal one. */
  readonly notIdeal: boolean;
  /** The connection is a WebSocket; absent for one that isn't. */
  readonly isWebSocket?: true;
}

/** A client that has proven its key. */
export interface Hello {
  readonly key: NodePublic;
  /** For the ServerInfo that says it is admitted. */
  readonly box: SharedBox;
  readonly info: ClientInfo;
  /** Holds what the client has sent behind its ClientInfo. */
  readonly reader: FrameReader;
}

/** Thrown when a client takes too long; its connection is closed by then. */
export class HandshakeTimeoutError extends Error {
  override readonly name = "HandshakeTimeoutError";
}

/**
 * Sends ServerKey and reads ClientInfo. Resolves to undefined when the client
 * leaves before it has said who it is.
 *
 * @throws ProtocolError, HandshakeTimeoutError
 */
export async function shakeHands(
  conn: Conn,
  start: DerpStart,
  { serverKey, clock, turn }: {
    serverKey: NodePrivate;
    clock: Clock;
    turn: Turn;
  },
): Promise<Hello | undefined> {
  let isLate = false;
  const cancel = clock.after(HANDSHAKE_TIMEOUT_MS, () => {
    isLate = true;
    conn.close();
  });
  try {
    await writeAll(
      conn,
      concatBytes(start.preface, encodeServerKey(serverKey.publicKey)),
    );
    const reader = new FrameReader(HELLO_LIMITS, start.rest);
    const budget = new TurnBudget(turn);
    while (!reader.next()) {
      const bytes = await conn.read(reader.space());
      if (bytes === null) {
        if (!isLate) return undefined;
        throw new ConnectionLostError("closed by us");
      }
      reader.filled(bytes);
      await budget.spend(bytes, 0);
    }
    return readHello(reader, serverKey);
  } catch (error) {
    if (isLate) {
      throw new HandshakeTimeoutError("No ClientInfo within 10 s", {
        cause: error,
      });
    }
    throw error;
  } finally {
    cancel();
  }
}

/** ClientInfo: 32B key, 24B nonce, box of JSON. */
function readHello(reader: FrameReader, serverKey: NodePrivate): Hello {
  if (reader.type !== FrameType.ClientInfo) {
    throw new ProtocolError(
      "frame_order",
      `first frame is ${frameName(reader.type)}, not ClientInfo`,
    );
  }
  const payload = reader.payload();
  const key = NodePublic.fromBytes(payload);
  const box = serverKey.boxWith(key);
  const json = box?.open(payload.subarray(KEY_BYTES));
  if (box === undefined || json === undefined) {
    throw new ProtocolError(
      "client_info",
      `box in ClientInfo does not open with key ${key.shortString()}`,
    );
  }
  return { key, box, info: decodeClientInfo(json), reader };
}
