/** Which addresses take connections. */
import { isLoopback } from "../util/ip.ts";
import { plainDialer, withConn } from "./dialer.ts";
import { explain, isUnreachable } from "./failure.ts";
import type { FoundAddresses } from "./name_check.ts";
import { fail, ok, roundMs, type Row, skipped, warn } from "./row.ts";
import type { ProbeContext } from "./target.ts";

/** The rows, and the address that all else is tried at. */
export interface Reached {
  readonly address: string | undefined;
  readonly rows: readonly Row[];
}

interface Tried {
  readonly address: string;
  readonly tookMs: number;
  readonly error?: unknown;
}

/** Connects to every address; a relay on this machine is also tried from within. */
export async function tryAddresses(
  context: ProbeContext,
  { ipv4, ipv6 }: FoundAddresses,
): Promise<Reached> {
  const { local } = context.target;
  const [four, six, within] = await Promise.all([
    tryAll(context, ipv4),
    tryAll(context, ipv6),
    tryAll(context, local ? [local.address] : []),
  ]);
  const rows = [
    ...local ? [describe(context, "TCP on this machine", within)] : [],
    ...isPlainLocal(context) ? [] : [
      describe(context, "TCP over IPv4", four),
      describe(context, "TCP over IPv6", six),
    ],
  ];
  const good = [...four, ...six, ...within]
    .find(({ error }) => error === undefined);
  return { address: good?.address, rows };
}

function isPlainLocal({ target: { local, isTls } }: ProbeContext): boolean {
  return local !== undefined && !isTls;
}

function tryAll(
  { target: { port }, budget }: ProbeContext,
  addresses: readonly string[],
): Promise<Tried[]> {
  return Promise.all(addresses.map(async (address) => {
    const startMs = budget.clock.nowMs();
    const tookMs = () => budget.clock.nowMs() - startMs;
    try {
      const dial = plainDialer(address, port);
      await budget.within((signal) =>
        withConn(dial, signal, () => Promise.resolve())
      );
      return { address, tookMs: tookMs() };
    } catch (error) {
      return { address, tookMs: tookMs(), error };
    }
  }));
}

function describe(
  { target: { port, local }, ownAddresses }: ProbeContext,
  check: string,
  tried: readonly Tried[],
): Row {
  if (tried.length === 0) return skipped(check, "no address");
  const where = `TCP port ${port}`;
  const seen = tried.map(({ address, tookMs, error }) =>
    error === undefined
      ? `${address} in ${roundMs(tookMs)} ms`
      : `${address}: ${explain(error, where).seen}`
  ).join(", ");
  const failed = tried.find(({ error }) => error !== undefined);
  if (failed === undefined) {
    return ok(check, seen, { connectMs: roundMs(tried[0]!.tookMs) });
  }
  if (check.endsWith("IPv6") && isUnreachable(failed.error)) {
    return skipped(check, `${seen}: this machine may have no IPv6`);
  }
  if (local && tried.every(({ address }) => isElsewhere(address))) {
    const advice =
      "many routers lead nobody back in: run derper probe with the URL from elsewhere";
    return warn(check, { seen, advice });
  }
  return fail(check, { seen, advice: explain(failed.error, where).advice });

  function isElsewhere(address: string): boolean {
    return !isLoopback(address) && !ownAddresses.has(address);
  }
}
