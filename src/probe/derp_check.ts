/** Whether it speaks DERP: the relay's key, fast start, and whether it is the relay that it should be. */
import { ProtocolError } from "../derp/errors.ts";
import type { NodePublic } from "../keys/node_key.ts";
import { upgradeToDerp } from "../mesh/derp_client.ts";
import { isLoopback } from "../util/ip.ts";
import { type Dial, dialer, withConn } from "./dialer.ts";
import { explainTalk, type Failure } from "./failure.ts";
import { fail, ok, roundMs, type Row, skipAll, skipped, warn } from "./row.ts";
import { hostHeader, type ProbeContext } from "./target.ts";
import type { Secured } from "./tls_check.ts";

const DERP = "DERP";
const FAST = "fast start";
const SAME = "same relay";

const SLOWER =
  "clients take one round trip more; is TLS ended by a proxy in front?";

/** The rows of this family, for when there is no connection. */
export const DERP_CHECKS: readonly string[] = [DERP, FAST];

/** The rows, and whether there is anything to relay with. */
export interface SpokenDerp {
  readonly speaks: boolean;
  readonly rows: readonly Row[];
}

/** Upgrades two connections, one with and one without an HTTP answer, and goes no further. */
export async function checkDerp(
  context: ProbeContext,
  dial: Dial,
  { metaKey, address }: Pick<Secured, "metaKey"> & { address: string },
): Promise<SpokenDerp> {
  if (context.target.local?.relays === false) {
    return { speaks: false, rows: skipAll(DERP_CHECKS, "-derp=false") };
  }
  const { clock } = context.budget;
  const startMs = clock.nowMs();
  const key = await readKey(context, dial, { fastStart: false });
  if ("seen" in key) {
    const rows = [fail(DERP, key), skipped(FAST, "no DERP")];
    return { speaks: false, rows };
  }
  const tookMs = roundMs(clock.nowMs() - startMs);
  const seen = `server key ${key}, in ${tookMs} ms`;
  const [fast, same] = await Promise.all([
    checkFastStart(context, dial, { key, metaKey }),
    checkSame(context, key, address),
  ]);
  const rows = [ok(DERP, seen, { handshakeMs: tookMs }), fast, ...same];
  return { speaks: true, rows };
}

async function checkFastStart(
  context: ProbeContext,
  dial: Dial,
  { key, metaKey }: { key: NodePublic; metaKey: string | undefined },
): Promise<Row> {
  const fast = await readKey(context, dial, { fastStart: true });
  if ("seen" in fast) {
    const seen = `an answer that isn't DERP: ${fast.seen}`;
    return metaKey === undefined
      ? warn(FAST, { seen, advice: SLOWER })
      : fail(FAST, {
        seen,
        advice: "clients see the meta certificate and can't connect",
      });
  }
  if (!context.target.isTls) return ok(FAST, "DERP at once");
  if (metaKey === undefined) {
    const seen = "DERP at once, but no meta certificate was seen";
    return warn(FAST, { seen, advice: SLOWER });
  }
  return metaKey === key.hex() ? ok(FAST, "DERP at once") : fail(FAST, {
    seen: "the meta certificate has another key than the relay",
    advice: "clients can't connect: restart what ends TLS with the relay's own",
  });
}

/** A relay on this machine has the same key from within and by its name. */
async function checkSame(
  context: ProbeContext,
  key: NodePublic,
  address: string,
): Promise<Row[]> {
  const { target, ownAddresses, caCerts } = context;
  const { local } = target;
  if (!local || isLoopback(address) || ownAddresses.has(address)) return [];
  const within = dialer({
    place: target,
    address: local.address,
    caCerts,
    anyName: true,
  });
  const here = await readKey(context, within, { fastStart: false });
  if ("seen" in here) return [skipped(SAME, `here: ${here.seen}`)];
  return [
    here.equals(key) ? ok(SAME, `${address} leads here`) : fail(SAME, {
      seen: `at ${address} is another relay than on this machine`,
      advice: "give the name this machine's address in DNS",
    }),
  ];
}

async function readKey(
  { target, budget }: ProbeContext,
  dial: Dial,
  { fastStart }: { fastStart: boolean },
): Promise<NodePublic | Failure> {
  const host = hostHeader(target);
  try {
    const { serverKey } = await budget.within((signal) =>
      withConn(dial, signal, (conn) => upgradeToDerp(conn, { host, fastStart }))
    );
    return serverKey;
  } catch (error) {
    const failure = explainTalk(error, target);
    if (!(error instanceof ProtocolError)) return failure;
    const advice = "is it a relay? A proxy in front has to pass Upgrade";
    return { ...failure, advice };
  }
}
