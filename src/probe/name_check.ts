/** Where the name leads: addresses from DNS, as clients get them. */
import { messageOf } from "../util/error_message.ts";
import { isLoopback, isPublicIp, parseIp, unmapIp } from "../util/ip.ts";
import { fail, ok, type Row, skipped, warn } from "./row.ts";
import type { ProbeContext } from "./target.ts";

const CHECK = "name";
/** More are not looked at. */
const MAX_ADDRESSES = 4;

/** Of each family, and what is to be said of them. */
export interface FoundAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly rows: readonly Row[];
}

/** Looks the target's name up. */
export async function findAddresses(
  context: ProbeContext,
): Promise<FoundAddresses> {
  const { name, isTls, local } = context.target;
  if (local && !isTls) {
    const why = "plain HTTP: the name is up to the proxy in front";
    return { ipv4: [], ipv6: [], rows: [skipped(CHECK, why)] };
  }
  if (parseIp(name) !== undefined) {
    const row = ok(CHECK, `${name} is an address, nothing to look up`);
    return { ...byFamily([name]), rows: [judge(context, [name], row)] };
  }
  const found = await look(context);
  if (typeof found === "string") {
    return { ipv4: [], ipv6: [], rows: [nowhere(name, found)] };
  }
  const row = ok(CHECK, `${name} is ${found.join(", ")}`);
  return { ...byFamily(found), rows: [judge(context, found, row)] };
}

/** From DNS, or /etc/hosts; in place of nothing, why there is nothing: empty where the name doesn't exist. */
async function look(
  { target, budget }: ProbeContext,
): Promise<string[] | string> {
  let problem = "";
  const lists = await Promise.all((["A", "AAAA"] as const).map(async (type) => {
    try {
      const list = await budget.within((signal) =>
        Deno.resolveDns(target.name, type, { signal })
      );
      return list.slice(0, MAX_ADDRESSES).map(unmapIp);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) problem = messageOf(error);
      return [];
    }
  }));
  const found = lists.flat();
  return found.length > 0 ? found : problem;
}

function nowhere(name: string, problem: string): Row {
  return problem === ""
    ? fail(CHECK, {
      seen: `${name} has no address`,
      advice: "give it A and AAAA records in DNS; is it spelt right?",
    })
    : fail(CHECK, {
      seen: `${name}: ${problem}`,
      advice: "do the name servers of this machine (/etc/resolv.conf) answer?",
    });
}

/** A name that leads elsewhere, or where few can follow, is worth a word. */
function judge(
  { target: { name, local }, ownAddresses }: ProbeContext,
  found: readonly string[],
  row: Row,
): Row {
  if (found.every(isLoopback) && !local) return row;
  if (found.every(isLoopback)) {
    return parseIp(name) !== undefined ? row : warn(CHECK, {
      seen: `${name} is ${found.join(", ")}, which leads everybody to himself`,
      advice:
        "if that isn't from this machine's /etc/hosts alone, give the name its public address in DNS",
    });
  }
  if (!local) return row;
  const foreign = found.filter((address) => !ownAddresses.has(address));
  if (foreign.length === 0) return row;
  const isNat = [...ownAddresses].every((address) => !isPublicIp(address));
  return isNat
    ? ok(CHECK, `${row.seen}, in front of this machine's NAT`)
    : warn(CHECK, {
      seen: `${foreign.join(", ")} is no address of this machine`,
      advice: "does the name lead to another machine, or to an old address?",
    });
}

function byFamily(
  found: readonly string[],
): { ipv4: string[]; ipv6: string[] } {
  return {
    ipv4: found.filter((address) => !address.includes(":")),
    ipv6: found.filter((address) => address.includes(":")),
  };
}
