/** STUN over IPv4 and IPv6, by which alone clients choose their home. */
import { isLoopback, isPublicIp } from "../util/ip.ts";
import { explain, isUnreachable } from "./failure.ts";
import type { FoundAddresses } from "./name_check.ts";
import { fail, ok, roundMs, type Row, skipped } from "./row.ts";
import { askStun, type StunAnswer } from "./stun_ask.ts";
import type { ProbeContext } from "./target.ts";

/** One row for each family; where the name leads nowhere it is tried at `reached`. */
export async function checkStun(
  context: ProbeContext,
  { ipv4, ipv6 }: FoundAddresses,
  reached: string | undefined,
): Promise<Row[]> {
  const isReachedIpv6 = reached?.includes(":");
  const four = ipv4[0] ?? (isReachedIpv6 === false ? reached : undefined);
  const six = ipv6[0] ?? (isReachedIpv6 ? reached : undefined);
  return await Promise.all([
    checkOne(context, "STUN over IPv4", four),
    checkOne(context, "STUN over IPv6", six),
  ]);
}

async function checkOne(
  { target: { stunPort, local }, budget }: ProbeContext,
  check: string,
  address: string | undefined,
): Promise<Row> {
  if (stunPort === undefined) return skipped(check, "STUN is off");
  if (address === undefined) return skipped(check, "no address");
  try {
    const answer = await budget.within((signal) =>
      askStun({ address, port: stunPort }, { clock: budget.clock, signal })
    );
    const row = judgeAnswer(check, address, answer);
    // From here a router may lead back without its own address.
    return local && row.status === "FAIL" ? { ...row, status: "warn" } : row;
  } catch (error) {
    if (check.endsWith("IPv6") && isUnreachable(error)) {
      return skipped(check, "this machine has no IPv6");
    }
    const { seen } = explain(error, `UDP port ${stunPort}`);
    return fail(check, {
      seen: `UDP port ${stunPort}: ${seen}`,
      advice:
        `open UDP port ${stunPort}, in a container publish it as ${stunPort}/udp; without an answer no client makes this relay its home`,
    });
  }
}

/** Whether the address that the relay saw can be ours. Exported for its rule. */
export function judgeAnswer(
  check: string,
  server: string,
  { ip, port, roundTripMs }: StunAnswer,
): Row {
  const ms = roundMs(roundTripMs);
  const seen = `sees us as ${ip} port ${port}, in ${ms} ms`;
  const isFar = isPublicIp(server);
  const isPlausible = isPublicIp(ip) || !isFar;
  const isLoop = isLoopback(ip) && !isLoopback(server);
  if (isPlausible && !isLoop) return ok(check, seen, { roundTripMs: ms });
  return fail(check, {
    seen,
    advice:
      "that is no address of ours: a container bridge or proxy hides clients from the relay, use the host's network for UDP",
  });
}
