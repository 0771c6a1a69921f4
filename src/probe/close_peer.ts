/** Has a relay close the connections of one client, as a mesh peer may. */
import { FrameType } from "../derp/frame.ts";
import type { MeshKey } from "../keys/mesh_key.ts";
import { NodePublic } from "../keys/node_key.ts";
import { isConnectionLost } from "../net/conn.ts";
import type { Clock } from "../util/clock.ts";
import { OperatorError } from "../util/operator_error.ts";
import { NoAnswerError } from "./budget.ts";
import type { Dial } from "./dialer.ts";
import {
  type Frame,
  ThrowawayClient,
  TurnedAwayError,
} from "./throwaway_client.ts";

/** After so long without another client, the relay has named all that it has. */
const QUIET_MS = 500;

/** Whom to close, and how to be allowed to. */
export interface ClosePeerOptions {
  readonly dial: Dial;
  /** For the Host header, and for messages. */
  readonly host: string;
  readonly meshKey: MeshKey;
  readonly key: NodePublic;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface ClosedPeer {
  /** Whether it was connected, and has been closed. */
  readonly wasConnected: boolean;
  /** How many keys the relay named up to there, not counting ours. */
  readonly seen: number;
}

/**
 * Closes all connections of a key, and waits until the relay says that it has
 * gone; does nothing where it isn't connected.
 *
 * @throws OperatorError where the mesh key isn't accepted, and what the connection throws
 */
export async function closePeer(
  options: ClosePeerOptions,
): Promise<ClosedPeer> {
  const { dial, host, meshKey, key, clock, signal } = options;
  const conn = await dial(signal);
  const seen = new Set<string>();
  try { // the client owns the connection from here on
    using client = await ThrowawayClient.open(conn, { host, meshKey });
    await client.send(FrameType.WatchConns);
    let isPresent = false;
    while (!isPresent) {
      const frame = seen.size === 0
        ? await client.nextFrame()
        : await nextUnlessQuiet(client, clock);
      if (frame === undefined) break;
      if (frame.type !== FrameType.PeerPresent) continue;
      const present = NodePublic.fromBytes(frame.payload);
      seen.add(present.hex());
      isPresent = present.equals(key);
    }
    seen.delete(client.key.hex());
    if (!isPresent) return { wasConnected: false, seen: seen.size };
    await client.send(FrameType.ClosePeer, key.bytes);
    await client.waitFor((frame) =>
      frame.type === FrameType.PeerGone &&
      NodePublic.fromBytes(frame.payload).equals(key)
    );
    return { wasConnected: true, seen: seen.size };
  } catch (cause) {
    throw seen.size === 0 ? explainRefusal(cause, host) : cause;
  }
}

/** The relay closes the connection of who asks for more than its mesh key allows. */
function explainRefusal(cause: unknown, host: string): unknown {
  const isRefusal = cause instanceof TurnedAwayError || isConnectionLost(cause);
  if (!isRefusal || cause instanceof NoAnswerError) return cause;
  return new OperatorError(
    `${host} doesn't accept the mesh key: it has another one or none; give the file of its -mesh-psk-file`,
    { cause },
  );
}

/** The next frame; undefined where none comes for a while, and the client is of no use any more. */
async function nextUnlessQuiet(
  client: ThrowawayClient,
  clock: Clock,
): Promise<Frame | undefined> {
  let isQuiet = false;
  const cancel = clock.after(QUIET_MS, () => {
    isQuiet = true;
    client[Symbol.dispose]();
  });
  try {
    const frame = await client.nextFrame();
    return isQuiet ? undefined : frame;
  } catch (error) {
    if (isQuiet) return undefined;
    throw error;
  } finally {
    cancel();
  }
}
