/** Whether only the right mesh key makes a mesh peer. */
import { FrameType } from "../derp/frame.ts";
import { MeshKey } from "../keys/mesh_key.ts";
import { isConnectionLost } from "../net/conn.ts";
import { toHex } from "../util/bytes.ts";
import { type Dial, withConn } from "./dialer.ts";
import { explainTalk } from "./failure.ts";
import { fail, ok, type Row, skipped } from "./row.ts";
import { hostHeader, type ProbeContext } from "./target.ts";
import { ThrowawayClient, TurnedAwayError } from "./throwaway_client.ts";

const WRONG = "wrong mesh key";
const RIGHT = "mesh key";
const MESH_KEY_BYTES = 32;
const PING = new Uint8Array(8).fill(0x70);

/** The rows of this family, for when there is no DERP. */
export const MESH_CHECKS: readonly string[] = [WRONG, RIGHT];

/** What came of a client that wants to know who else is there. */
type Outcome = "turned away" | "refused" | "accepted" | "ignored";

/** Shows a random mesh key, and the right one where the relay may see it. */
export async function checkMesh(
  context: ProbeContext,
  dial: Dial,
  { isTrusted }: { isTrusted: boolean },
): Promise<Row[]> {
  return await Promise.all([
    checkWrong(context, dial),
    checkRight(context, dial, isTrusted),
  ]);
}

async function checkWrong(context: ProbeContext, dial: Dial): Promise<Row> {
  const digits = toHex(crypto.getRandomValues(new Uint8Array(MESH_KEY_BYTES)));
  const outcome = await watch(context, dial, MeshKey.parse(digits)!);
  switch (outcome) {
    case "turned away":
      return ok(WRONG, "turned away, as any stranger");
    case "refused":
      return ok(WRONG, "the connection is closed when it asks for the others");
    case "ignored":
      return ok(WRONG, "it isn't told of the others");
    case "accepted":
      return fail(WRONG, {
        seen: "a mesh key made up just now is told of all clients",
        advice: "this relay doesn't check mesh keys: replace it",
      });
    default:
      return fail(WRONG, explainTalk(outcome, context.target));
  }
}

async function checkRight(
  context: ProbeContext,
  dial: Dial,
  isTrusted: boolean,
): Promise<Row> {
  const { target } = context;
  const { meshKey } = target;
  if (meshKey === undefined) return skipped(RIGHT, "none given");
  if (!isTrusted) {
    return skipped(RIGHT, "not told to a relay that can't be trusted");
  }
  const outcome = await watch(context, dial, meshKey);
  if (outcome === "accepted") return ok(RIGHT, "accepted");
  if (outcome instanceof Error) {
    return fail(RIGHT, explainTalk(outcome, target));
  }
  return fail(RIGHT, {
    seen: `the mesh key is ${outcome}`,
    advice: "give all relays of the mesh the same -mesh-psk-file",
  });
}

/** Asks for the others, then for a sign of life: frames are handled in their order. */
async function watch(
  { budget, target }: ProbeContext,
  dial: Dial,
  meshKey: MeshKey,
): Promise<Outcome | Error> {
  const host = hostHeader(target);
  try {
    return await budget.within((signal) =>
      withConn(dial, signal, async (conn) => {
        const client = await ThrowawayClient.open(conn, { host, meshKey });
        return await askForOthers(client);
      })
    );
  } catch (error) {
    if (error instanceof TurnedAwayError) return "turned away";
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function askForOthers(client: ThrowawayClient): Promise<Outcome> {
  try {
    await client.send(FrameType.WatchConns);
    await client.send(FrameType.Ping, PING);
    let ponged = false;
    for (;;) {
      const { type } = await client.nextFrame();
      if (type === FrameType.PeerPresent) return "accepted";
      if (type !== FrameType.Pong) continue;
      if (ponged) return "ignored"; // a second one, so that it isn't ahead of the answer
      ponged = true;
      await client.send(FrameType.Ping, PING);
    }
  } catch (error) {
    if (isConnectionLost(error)) return "refused";
    throw error;
  }
}
