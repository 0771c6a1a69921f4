/** The texts of `-h`. */
import { flagDefaults, type FlagTable } from "./go_flag.ts";
import type { Surroundings } from "./surroundings.ts";

/** What Go's flag package takes for "no default worth showing". */
const ZERO: readonly string[] = ["", "0", "0s", "false"];

const ENVIRONMENT = `
Every flag but -version can come from the environment too, as DERP_ and its
name in capitals with underscores: -verify-clients as DERP_VERIFY_CLIENTS=true.
Also read are DERP_DOMAIN and DERP_HOST for -hostname, DERP_ADDR for -a,
DERP_CERT_MODE for -certmode, DERP_CERT_DIR and DERP_CERTS for -certdir. A flag
on the command line wins.
`;

/** The text of the relay's `-h`: all flags, and what else there is to say of them. */
export function usageText(
  table: FlagTable,
  defaults: ReadonlyMap<string, string>,
): string {
  return `Usage of derper:\n${layOut(table, defaults)}${ENVIRONMENT}`;
}

/** All flags of `table`, for the `-h` of a command. */
export function flagsText(table: FlagTable, from: Surroundings): string {
  return layOut(table, flagDefaults(table, from));
}

/** The layout of Go's flag package. */
function layOut(
  table: FlagTable,
  defaults: ReadonlyMap<string, string>,
): string {
  let text = "";
  for (const name of Object.keys(table).sort()) {
    const { type, help, ours } = table[name]!;
    const value = defaults.get(name) ?? "";
    const shown = type === "string" ? JSON.stringify(value) : value;
    text += `  -${name}${type === "bool" ? "" : ` ${type}`}\n    \t${help}`;
    if (ours) text += " [not in Tailscale's derper]";
    text += ZERO.includes(value) ? "\n" : ` (default ${shown})\n`;
  }
  return text;
}
