/** Whether it relays, for whom, and what it says of keys that aren't there: by throw-away clients. */
import { FrameType, PeerGoneReason } from "../derp/frame.ts";
import type { MeshKey } from "../keys/mesh_key.ts";
import { NodePrivate } from "../keys/node_key.ts";
import { concatBytes, equalBytes } from "../util/bytes.ts";
import type { Dial } from "./dialer.ts";
import { explainTalk } from "./failure.ts";
import { median } from "./median.ts";
import { fail, ok, roundMs, type Row, skipAll, skipped, warn } from "./row.ts";
import { hostHeader, type ProbeContext } from "./target.ts";
import { ThrowawayClient, TurnedAwayError } from "./throwaway_client.ts";

const STRANGERS = "strangers";
const RELAYING = "relaying";
const UNKNOWN = "unknown destination";

/** The rows of this family, for when there is no DERP. */
export const RELAY_CHECKS: readonly string[] = [STRANGERS, RELAYING, UNKNOWN];

/** How many round trips are measured. */
const ROUNDS = 10;
/** For slow links: no more are begun after this share of a step's time. */
const MEASURING_SHARE = 0.5;
const KEY_BYTES = 32;
/** Magic, key and nonce of a disco packet: what clients find each other by. */
const DISCO = concatBytes(
  Uint8Array.of(0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac),
  new Uint8Array(32 + 24),
);

/** Who may know of the mesh key: `meshKey` only where the relay can be trusted with it. */
export interface RelayCheckOptions {
  readonly meshKey: MeshKey | undefined;
}

/** Lets two clients in and exchanges packets; where strangers are turned away, as mesh peers. */
export async function checkRelaying(
  context: ProbeContext,
  dial: Dial,
  { meshKey }: RelayCheckOptions,
): Promise<Row[]> {
  const first = await admit(context, dial, undefined);
  const strangers = strangersRow(context, first);
  if (first instanceof ThrowawayClient) {
    using client = first;
    return [strangers, ...await exchange(context, dial, client, undefined)];
  }
  if (!(first instanceof TurnedAwayError) || meshKey === undefined) {
    const why = first instanceof TurnedAwayError
      ? "strangers are turned away, and there is no mesh key to be let in with"
      : "no client was let in";
    return [strangers, ...skipAll([RELAYING, UNKNOWN], why)];
  }
  const peer = await admit(context, dial, meshKey);
  if (!(peer instanceof ThrowawayClient)) {
    const why = "strangers are turned away, and so is the mesh key";
    return [strangers, ...skipAll([RELAYING, UNKNOWN], why)];
  }
  using client = peer;
  return [strangers, ...await exchange(context, dial, client, meshKey)];
}

function strangersRow(
  { target }: ProbeContext,
  result: ThrowawayClient | Error,
): Row {
  const { local } = target;
  if (result instanceof ThrowawayClient) {
    return local?.verifies
      ? fail(STRANGERS, {
        seen: "a key that nobody knows was let in, in spite of verification",
        advice:
          "see the relay's log: -verify-client-url-fail-open=false refuses while its source is down",
      })
      : warn(STRANGERS, {
        seen: "open relay: anybody may use it",
        advice:
          "close it with -verify-clients, -verify-client-url or another -verify flag, if that isn't meant",
      });
  }
  if (!(result instanceof TurnedAwayError)) {
    return fail(STRANGERS, explainTalk(result, target));
  }
  const seen = "strangers are turned away";
  return local?.verifies === false
    ? warn(STRANGERS, {
      seen: `${seen}, though these flags don't say so`,
      advice: "was the relay started with other flags than these?",
    })
    : ok(STRANGERS, seen);
}

/** Both exchanges with `one` and a second client of its kind. */
async function exchange(
  context: ProbeContext,
  dial: Dial,
  one: ThrowawayClient,
  meshKey: MeshKey | undefined,
): Promise<Row[]> {
  const second = await admit(context, dial, meshKey);
  if (!(second instanceof ThrowawayClient)) {
    const failed = fail(RELAYING, explainTalk(second, context.target));
    return [failed, skipped(UNKNOWN, "no second client was let in")];
  }
  using other = second;
  const relaying = await checkRoundTrips(context, one, other);
  if (relaying.status === "FAIL") {
    return [relaying, skipped(UNKNOWN, "it doesn't relay")];
  }
  return [relaying, await checkUnknown(context, one)];
}

/** Packets go there and back; each way is one through the relay. */
async function checkRoundTrips(
  { budget, target }: ProbeContext,
  one: ThrowawayClient,
  other: ThrowawayClient,
): Promise<Row> {
  const { clock, stepMs } = budget;
  try {
    const times = await budget.within(async () => {
      const times: number[] = [];
      const startMs = clock.nowMs();
      while (times.length < ROUNDS) {
        const sentMs = clock.nowMs();
        if (sentMs - startMs > stepMs * MEASURING_SHARE) break;
        await deliver(one, other);
        await deliver(other, one);
        times.push(clock.nowMs() - sentMs);
      }
      return times;
    });
    const roundTripMs = roundMs(median(times));
    return ok(
      RELAYING,
      `packets go both ways, there and back in ${roundTripMs} ms (median of ${times.length})`,
      { roundTripMs },
    );
  } catch (error) {
    const { seen } = explainTalk(error, target);
    return fail(RELAYING, {
      seen: `a packet between two clients: ${seen}`,
      advice: "see the relay's log, and its limits (-rate-config)",
    });
  }
}

/** One packet, which has to arrive as it was sent and from whom. */
async function deliver(
  from: ThrowawayClient,
  to: ThrowawayClient,
): Promise<void> {
  const packet = crypto.getRandomValues(new Uint8Array(100));
  await from.sendPacket(to.key, packet);
  await to.waitFor(({ type, payload }) =>
    type === FrameType.RecvPacket &&
    equalBytes(payload.subarray(0, KEY_BYTES), from.key.bytes) &&
    equalBytes(payload.subarray(KEY_BYTES), packet)
  );
}

/** Clients look elsewhere at once when they are told that a key isn't here. */
async function checkUnknown(
  { budget, target }: ProbeContext,
  client: ThrowawayClient,
): Promise<Row> {
  const nobody = NodePrivate.generate().publicKey;
  try {
    const { payload } = await budget.within(async () => {
      await client.sendPacket(nobody, DISCO);
      return await client.waitFor(({ type, payload }) =>
        type === FrameType.PeerGone &&
        equalBytes(payload.subarray(0, KEY_BYTES), nobody.bytes)
      );
    });
    return payload[KEY_BYTES] === PeerGoneReason.NotHere
      ? ok(UNKNOWN, "PeerGone, not here")
      : warn(UNKNOWN, {
        seen: "PeerGone for another reason",
        advice: "clients may take longer to find another way",
      });
  } catch (error) {
    const { seen } = explainTalk(error, target);
    return warn(UNKNOWN, {
      seen: `no PeerGone: ${seen}`,
      advice:
        "clients may take longer to find another way; is it an old relay?",
    });
  }
}

/** A client that was let in, or why not. */
async function admit(
  { budget, target }: ProbeContext,
  dial: Dial,
  meshKey: MeshKey | undefined,
): Promise<ThrowawayClient | Error> {
  const host = hostHeader(target);
  // Its signal outlives the step: a client stays until whoever asked for it closes it.
  try {
    return await budget.within(async (signal) =>
      await ThrowawayClient.open(await dial(signal), { host, meshKey })
    );
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
