/** The rule for the flag that says which proxies are trusted. */
import { IpRange } from "../util/ip_range.ts";
import { isIp, type Mistake } from "./addresses.ts";
import type { Config } from "./config.ts";
import type { Findings } from "./findings.ts";

const UNIX = "unix";

/** The proxies that may say whose requests are. */
export function trustedProxies(
  findings: Findings,
): Pick<Config, "trustedProxies"> {
  const { a, dev, "trusted-proxies": text } = findings.values;
  const isUnix = !dev && a.startsWith(`${UNIX}:`);
  const entries = text === ""
    ? []
    : text.split(",").map((entry) => entry.trim());
  const unix = entries.includes(UNIX);
  if (isUnix && !unix) {
    findings.notes.push(
      `Without "${UNIX}" in -trusted-proxies nobody's address is known: all clients come by the socket of -a`,
    );
  } else if (unix && !isUnix) {
    findings.notes.push(
      `"${UNIX}" in -trusted-proxies has no effect without -a ${UNIX}:PATH`,
    );
  }
  if (entries.length === 0) return {};
  const ranges: IpRange[] = [];
  for (const entry of entries) {
    if (entry === UNIX) continue;
    const range = parseRange(entry);
    if (typeof range === "string") findings.check("trusted-proxies", range);
    else ranges.push(range);
    if (entry.endsWith("/0")) {
      findings.notes.push(
        `"${entry}" in -trusted-proxies lets everybody say that he comes from any address; name the proxies alone`,
      );
    }
  }
  return { trustedProxies: { ranges, unix } };
}

function parseRange(entry: string): IpRange | Mistake {
  if (entry === "") return "it has an empty entry, leave out the comma";
  const range = isIp(entry)
    ? IpRange.parse(`${entry}/${entry.includes(":") ? 128 : 32}`)
    : IpRange.parse(entry);
  return range ??
    `${
      JSON.stringify(entry)
    } is no IP address, no range of them as in 10.0.0.0/8, and not "${UNIX}"`;
}
