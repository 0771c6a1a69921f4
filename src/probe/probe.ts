/** The whole self-test, family by family, in the order in which one thing needs another. */
import type { ProbeContext } from "./target.ts";
import { checkDerp, DERP_CHECKS } from "./derp_check.ts";
import type { Dial } from "./dialer.ts";
import { checkHttp, checkPortal, HTTP_CHECKS } from "./http_check.ts";
import { checkMesh, MESH_CHECKS } from "./mesh_check.ts";
import { findAddresses } from "./name_check.ts";
import { checkRelaying, RELAY_CHECKS } from "./relay_check.ts";
import { type Row, skipAll } from "./row.ts";
import { checkStun } from "./stun_check.ts";
import { tryAddresses } from "./tcp_check.ts";
import { checkTls, type Secured, TLS_CHECKS } from "./tls_check.ts";

/** What needs a connection that is as clients make it. */
const LATER_CHECKS: readonly string[] = [
  ...HTTP_CHECKS,
  ...DERP_CHECKS,
  ...RELAY_CHECKS,
  ...MESH_CHECKS,
];

/** Rows as they are known; never throws for what a relay does or doesn't do. */
export async function* probe(context: ProbeContext): AsyncGenerator<Row> {
  const found = await findAddresses(context);
  yield* found.rows;
  const { address, rows } = await tryAddresses(context, found);
  yield* rows;
  const first = address ?? found.ipv4[0] ?? found.ipv6[0];
  const portal = first === undefined ? [] : [checkPortal(context, first)];
  yield* await checkStun(context, found, address);
  yield* await Promise.all(portal);
  if (address === undefined) {
    yield* skipAll([...TLS_CHECKS, ...LATER_CHECKS], "no TCP connection");
    return;
  }
  const secured = await checkTls(context, address);
  yield* secured.rows;
  const { dial } = secured;
  if (dial === undefined) {
    yield* skipAll(LATER_CHECKS, "no TLS connection");
    return;
  }
  yield* await checkHttp(context, dial);
  yield* derpRows(context, dial, { ...secured, address });
}

/** One after the other: round trips are measured while nothing else goes on. */
async function* derpRows(
  context: ProbeContext,
  dial: Dial,
  { isTrusted, metaKey, address }: Secured & { address: string },
): AsyncGenerator<Row> {
  const derp = await checkDerp(context, dial, { metaKey, address });
  yield* derp.rows;
  if (!derp.speaks) {
    yield* skipAll([...RELAY_CHECKS, ...MESH_CHECKS], "no DERP");
    return;
  }
  const meshKey = isTrusted ? context.target.meshKey : undefined;
  yield* await checkRelaying(context, dial, { meshKey });
  yield* await checkMesh(context, dial, { isTrusted });
}
