/** Arguments that are no flags: those that Go's flag package would stop at. */
import type { FlagTable } from "../config/go_flag.ts";

/** The arguments in two, each part in its order. */
export interface Operands {
  readonly operands: readonly string[];
  readonly flagArgs: readonly string[];
}

/** Tells operands from flags and their values, wherever they stand. */
export function takeOperands(
  args: readonly string[],
  table: FlagTable,
): Operands {
  const operands: string[] = [];
  const flagArgs: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
      continue;
    }
    flagArgs.push(arg);
    const next = args[at + 1];
    if (next === undefined || !takesNext(arg, next, table)) continue;
    flagArgs.push(next);
    at++;
  }
  return { operands, flagArgs };
}

function takesNext(arg: string, next: string, table: FlagTable): boolean {
  if (arg.includes("=")) return false;
  const name = arg.replace(/^--?/, "");
  if (name === "h" || name === "help") return false;
  const type = Object.hasOwn(table, name) ? table[name]!.type : undefined;
  return type === undefined ? !next.startsWith("-") : type !== "bool";
}
