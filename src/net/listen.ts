/** Binding sockets, TCP and UDP alike, and saying why it can't be done. */
import { messageOf } from "../util/error_message.ts";
import { formatHostPort } from "../util/ip.ts";
import { OperatorError } from "../util/operator_error.ts";

/** Where to listen. */
export interface ListenAddress {
  /** Undefined: all addresses, IPv4 and IPv6. */
  readonly hostname?: string | undefined;
  readonly port: number;
}

/** What messages say of the port. */
export interface PortUse {
  readonly transport: "TCP" | "UDP";
  /** The flag that chose it. */
  readonly flag: string;
  /** Whether another process may have it too. */
  readonly reusePort?: boolean | undefined;
}

/**
 * Calls `bind` with the host; without one with "::", which takes IPv4 too, and
 * with "0.0.0.0" on a machine without IPv6.
 *
 * @throws OperatorError
 */
export function listenOn<T>(
  address: ListenAddress,
  use: PortUse,
  bind: (hostname: string) => T,
): T {
  const { hostname } = address;
  try {
    return bind(hostname ?? "::");
  } catch (error) {
    if (hostname !== undefined || isFinal(error)) {
      const message = describe(error, address, use);
      throw new OperatorError(message, { cause: error });
    }
    return listenOn({ ...address, hostname: "0.0.0.0" }, use, bind);
  }
}

/** Whether IPv4 alone would fail like IPv4 with IPv6. */
function isFinal(error: unknown): boolean {
  return error instanceof Deno.errors.AddrInUse || isForbidden(error);
}

function isForbidden(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable;
}

function describe(
  error: unknown,
  { hostname, port }: ListenAddress,
  { transport, flag, reusePort }: PortUse,
): string {
  const where = `${transport} ${formatHostPort(hostname, port)} (${flag})`;
  const cannot = `Cannot listen on ${where}`;
  if (error instanceof Deno.errors.AddrInUse) {
    if (reusePort) {
      return `${cannot}: the port is in use by a program that doesn't share it with this one; both need -reuse-port, and the same user`;
    }
    const ss = transport === "TCP" ? "ss -ltnp" : "ss -lunp";
    return `${cannot}: the port is in use; "${ss} sport = :${port}" shows the program, or choose another port`;
  }
  if (isForbidden(error)) {
    return `${cannot}: no permission; for a port under 1024 run as root, or "setcap cap_net_bind_service=+ep" the program, or choose another port`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${cannot}: this machine doesn't have that address; leave it out of -a to listen on all`;
  }
  return `${cannot}: ${messageOf(error)}`;
}
