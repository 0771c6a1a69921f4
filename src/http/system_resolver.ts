/** DNS by the system's resolver, for `/bootstrap-dns`. */
import { unmapIp } from "../util/ip.ts";

/** What `/bootstrap-dns` asks of DNS. */
export interface Resolver {
  /** The IPv4 and IPv6 addresses of `name`, at least one; rejects where there is none. */
  addresses(name: string, signal: AbortSignal): Promise<string[]>;
  /** The TXT records of `name`, none where there are none. */
  texts(name: string, signal: AbortSignal): Promise<string[]>;
}

/** The name servers of the system (/etc/resolv.conf, /etc/hosts), or the one that is given. */
export function systemResolver(nameServer?: Deno.NetAddr): Resolver {
  const options = (signal: AbortSignal): Deno.ResolveDnsOptions =>
    nameServer === undefined ? { signal } : {
      signal,
      nameServer: { ipAddr: nameServer.hostname, port: nameServer.port },
    };
  return {
    addresses: async (name, signal) =>
      eitherFamily(
        await Promise.allSettled([
          Deno.resolveDns(name, "A", options(signal)),
          Deno.resolveDns(name, "AAAA", options(signal)),
        ]),
      ),
    texts: async (name, signal) => {
      try {
        const records = await Deno.resolveDns(name, "TXT", options(signal));
        return records.map((parts) => parts.join(""));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return [];
        throw error;
      }
    },
  };
}

/** As Go's resolver: one family is enough. Of two errors the one that isn't "no such record" says more. */
function eitherFamily(
  answers: readonly PromiseSettledResult<string[]>[],
): string[] {
  const found: string[] = [];
  const errors: unknown[] = [];
  for (const answer of answers) {
    if (answer.status === "fulfilled") found.push(...answer.value.map(unmapIp));
    else errors.push(answer.reason);
  }
  if (found.length > 0) return found;
  throw errors.find((error) => !(error instanceof Deno.errors.NotFound)) ??
    errors[0] ?? new Deno.errors.NotFound("no addresses");
}
