/** What every family of checks is given. */
import type { Budget } from "./budget.ts";
import type { Target } from "./target.ts";

export interface ProbeContext {
  readonly target: Target;
  readonly budget: Budget;
  /** The certificates to trust besides the runtime's own. */
  readonly caCerts: string[];
  /** The addresses of this machine. */
  readonly ownAddresses: ReadonlySet<string>;
}
