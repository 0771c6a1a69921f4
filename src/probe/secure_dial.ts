/** A connection that may be told secrets, or one to a relay on this very machine. */
import { factsOf } from "../certs/chain.ts";
import { formatPem } from "../certs/pem.ts";
import { OperatorError } from "../util/operator_error.ts";
import type { Budget } from "./budget.ts";
import { type Dial, dialer, plainDialer } from "./dialer.ts";
import { readServedChain } from "./served_chain.ts";
import type { Place } from "./target.ts";

/** Whose certificate will do. */
export interface SecureDialOptions {
  readonly place: Place;
  /** What is dialled: the name, or an address. */
  readonly address: string;
  readonly budget: Budget;
  /** The certificates to trust besides the runtime's own. */
  readonly caCerts: string[];
  /** That of one certificate alone, as SHA-256 in hexadecimal. */
  readonly pin?: string | undefined;
  /** Takes whatever is served, as only a relay on this machine may. */
  readonly trustsAny?: boolean;
}

/**
 * A way to connect to who has the right certificate.
 *
 * @throws OperatorError where it has another one, and what the connection throws
 */
export async function secureDial(options: SecureDialOptions): Promise<Dial> {
  const { place, address, budget, caCerts, pin, trustsAny } = options;
  if (!place.isTls || (pin === undefined && !trustsAny)) {
    return dialer({ place, address, caCerts });
  }
  const { chain } = await budget.within((signal) =>
    readServedChain(plainDialer(address, place.port), place.name, signal)
  );
  if (chain === undefined) return dialer({ place, address, caCerts });
  const { sha256 } = factsOf(chain);
  if (pin !== undefined && sha256 !== pin) {
    throw new OperatorError(
      `Cannot trust ${address}: its certificate is sha256-raw:${sha256}, and not that of -cert-name; is it your relay?`,
    );
  }
  const own = pin === undefined ? chain : [chain[0]];
  const anchors = own.map(({ bytes }) => formatPem("CERTIFICATE", bytes));
  const known = pin === undefined ? caCerts : [];
  return dialer({ place, address, caCerts: [...known, ...anchors] });
}
