/** Socket options that the runtime has no call for, set on listeners: accepted sockets inherit them (Linux). */
import { bytesOf, type Libc } from "./libc.ts";

// Linux, the same on x86_64 and aarch64.
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_USER_TIMEOUT = 18;
const TCP_NOTSENT_LOWAT = 25;
/** Little waits in the kernel, where it can't be dropped: one TLS record. */
const NOTSENT_LOWAT_BYTES = 16 * 1024;

/** The two of derper's flags that end up in the kernel. */
export interface SocketTimeouts {
  /** How long a connection is quiet before the kernel asks whether the other end still is there. */
  readonly keepAliveMs: number;
  /** How long sent data may go unacknowledged; 0 leaves it to the kernel. */
  readonly userTimeoutMs: number;
}

type Option = [name: string, level: number, option: number, value: number];

/** Sets the options on a listener; throws where the kernel refuses one. */
export function setSocketOptions(
  { symbols }: Libc,
  descriptor: number,
  { keepAliveMs, userTimeoutMs }: SocketTimeouts,
): void {
  const idleSeconds = Math.max(1, Math.ceil(keepAliveMs / 1000));
  const options: Option[] = [
    ["TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1],
    ["TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES],
    ["SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1],
    ["TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, idleSeconds],
    ["TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, userTimeoutMs],
  ];
  for (const [name, level, option, value] of options) {
    const bytes = bytesOf(Int32Array.of(value));
    if (
      symbols.setsockopt(descriptor, level, option, bytes, bytes.length) !== 0
    ) {
      throw new Error(`the kernel refuses ${name}=${value}`);
    }
  }
}
