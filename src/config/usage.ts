/** The text of `-h`. */
import type { FlagTable } from "./go_flag.ts";

/** What Go's flag package takes for "no default worth showing". */
const ZERO: readonly string[] = ["", "0", "0s", "false"];

/** All supported flags in the layout of Go's flag package. */
export function usageText(
  table: FlagTable,
  defaults: ReadonlyMap<string, string>,
): string {
  let text = "Usage of derper:\n";
  for (const name of Object.keys(table).sort()) {
    const { type, help, unsupported } = table[name]!;
    if (unsupported) continue;
    const value = defaults.get(name) ?? "";
    const shown = type === "string" ? JSON.stringify(value) : value;
    text += `  -${name}${type === "bool" ? "" : ` ${type}`}\n    \t${help}`;
    text += ZERO.includes(value) ? "\n" : ` (default ${shown})\n`;
  }
  return text;
}
