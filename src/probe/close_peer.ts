/** Has a relay close the connections of one client, as a mesh peer may. */
import { FrameType } from "../derp/frame.ts";
import type { MeshKey } from "../keys/mesh_key.ts";
import { NodePublic } from "../keys/node_key.ts";
import { isConnectionLost } from "../net/conn.ts";
import { type Clock, delay } from "../util/clock.ts";
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
  const { dial, host, meshKey, key, signal } = options;
  const conn = await dial(signal);
  try {
    using client = await ThrowawayClient.open(conn, { host, meshKey });
    const feed = new FrameFeed(client, options.clock);
    await client.send(FrameType.WatchConns);
    const seen = new Set<string>();
    let isPresent = false;
    while (!isPresent) {
      const frame = await feed.next(seen.size === 0 ? undefined : QUIET_MS);
      if (frame === undefined) break;
      if (frame.type !== FrameType.PeerPresent) continue;
      const present = NodePublic.fromBytes(frame.payload);
      seen.add(present.hex());
      isPresent = present.equals(key);
    }
    seen.delete(client.key.hex());
    if (!isPresent) return { wasConnected: false, seen: seen.size };
    await client.send(FrameType.ClosePeer, key.bytes);
    await feed.until((frame) =>
      frame.type === FrameType.PeerGone &&
      NodePublic.fromBytes(frame.payload).equals(key)
    );
    return { wasConnected: true, seen: seen.size };
  } catch (cause) {
    conn.close();
    throw explainRefusal(cause, host);
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

/** Frames one by one, also for who doesn't want to wait for ever. */
class FrameFeed {
  readonly #client: ThrowawayClient;
  readonly #clock: Clock;
  /** A read that has begun and whose frame nobody has had yet. */
  #pending: Promise<Frame> | undefined;

  constructor(client: ThrowawayClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The next frame; undefined where none comes for so long. */
  async next(quietMs?: number): Promise<Frame | undefined> {
    const pending = this.#pending ??= this.#client.nextFrame();
    pending.catch(() => {}); // it may fail when nobody waits any more
    if (quietMs === undefined) return await this.#take(pending);
    const done = new AbortController();
    const quiet = delay(this.#clock, quietMs, done.signal);
    try {
      return await Promise.race([
        this.#take(pending),
        quiet.then(() => undefined),
      ]);
    } finally {
      done.abort();
    }
  }

  /** Reads on until a frame is the one. */
  async until(wanted: (frame: Frame) => boolean): Promise<void> {
    for (;;) {
      const frame = await this.next();
      if (frame !== undefined && wanted(frame)) return;
    }
  }

  async #take(pending: Promise<Frame>): Promise<Frame> {
    const frame = await pending;
    this.#pending = undefined;
    return frame;
  }
}
