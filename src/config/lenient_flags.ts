/** Flags of the relay for commands that take its command line as it is, and mind a few of them alone. */
import type { FlagTable } from "./go_flag.ts";

/** `minded` as they are, and the names of `table` besides: of these booleans stay so, as the syntax depends on it, and all others may hold whatever they like. */
export function lenientFlags<T extends FlagTable>(
  table: FlagTable,
  minded: T,
): T {
  const lenient = Object.entries(table).map((
    [name, { type, default: standard, help }],
  ) => [
    name,
    type === "bool"
      ? { type, default: standard, help }
      : { type: "string", default: "", help },
  ]);
  return { ...Object.fromEntries(lenient), ...minded };
}
