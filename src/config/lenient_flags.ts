/** Flags of the relay for commands that take its command line as it is, and mind a few of them alone. */
import type { FlagTable } from "./go_flag.ts";

/** The same names; booleans stay so, as the syntax depends on it, and all others may hold whatever they like. */
export function lenientFlags(table: FlagTable): FlagTable {
  return Object.fromEntries(
    Object.entries(table).map(([name, { type, default: standard, help }]) => [
      name,
      type === "bool"
        ? { type, default: standard, help }
        : { type: "string", default: "", help },
    ]),
  );
}
