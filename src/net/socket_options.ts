/** Socket options that the runtime has no call for, set on listeners: accepted sockets inherit them (Linux). */
import { messageOf } from "../util/error_message.ts";
import { logger } from "../log/log.ts";

const log = logger("net");

// Linux, the same on x86_64 and aarch64.
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_USER_TIMEOUT = 18;
const TCP_NOTSENT_LOWAT = 25;
/** The runtime opens files early and few; a listener made at start or reload is found well below this. */
const MAX_DESCRIPTOR = 4096;
/** Little waits in the kernel, where it can't be dropped: one TLS record. */
const NOTSENT_LOWAT_BYTES = 16 * 1024;

const SYMBOLS = {
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
} as const;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>;

/** The two of derper's flags that end up in the kernel. */
export interface SocketTimeouts {
  /** How long a connection is quiet before the kernel asks whether the other end still is there. */
  readonly keepAliveMs: number;
  /** How long sent data may go unacknowledged; 0 leaves it to the kernel. */
  readonly userTimeoutMs: number;
}

/** Sets the options on the listener of `port`; where that can't be done, says what it costs and goes on. */
export function setListenerOptions(
  port: number,
  timeouts: SocketTimeouts,
): void {
  try {
    using libc = openLibc();
    const descriptors = listenersOf(libc, port);
    if (descriptors.length === 0) {
      throw new Error("the listening socket was not found");
    }
    for (const descriptor of descriptors) {
      setOptions(libc, descriptor, timeouts);
    }
  } catch (error) {
    log.warn(
      "can't set socket options on port {port} ({why}): packets of quiet connections are up to 20 ms late, and -tcp-keepalive-time and -tcp-user-timeout have no effect",
      { port, why: messageOf(error) },
    );
  }
}

function openLibc(): Libc & Disposable {
  if (Deno.build.os !== "linux") {
    throw new Error(`not known for ${Deno.build.os}`);
  }
  const libc = Deno.dlopen("libc.so.6", SYMBOLS);
  return Object.assign(libc, { [Symbol.dispose]: () => libc.close() });
}

/** The descriptors that listen on a TCP port. */
function listenersOf({ symbols }: Libc, port: number): number[] {
  const found: number[] = [];
  const value = new Int32Array(1);
  const length = new Uint32Array(1);
  const address = new Uint8Array(128); // sockaddr_storage: 2B family, 2B port, …
  for (let descriptor = 3; descriptor < MAX_DESCRIPTOR; descriptor++) {
    length[0] = 4;
    if (
      symbols.getsockopt(
        descriptor,
        SOL_SOCKET,
        SO_ACCEPTCONN,
        bytesOf(value),
        bytesOf(length),
      )
    ) {
      continue;
    }
    length[0] = address.length;
    if (
      value[0] !== 1 ||
      symbols.getsockname(descriptor, address, bytesOf(length))
    ) continue;
    if ((address[2]! << 8 | address[3]!) === port) found.push(descriptor);
  }
  return found;
}

function setOptions(
  { symbols }: Libc,
  descriptor: number,
  timeouts: SocketTimeouts,
): void {
  const { keepAliveMs, userTimeoutMs } = timeouts;
  const options: [
    name: string,
    level: number,
    option: number,
    value: number,
  ][] = [
    ["TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1],
    ["TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES],
    ["SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1],
    [
      "TCP_KEEPIDLE",
      IPPROTO_TCP,
      TCP_KEEPIDLE,
      Math.max(1, Math.ceil(keepAliveMs / 1000)),
    ],
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

/** The memory of a number, as a foreign function takes it. */
function bytesOf(
  number: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(number.buffer);
}
