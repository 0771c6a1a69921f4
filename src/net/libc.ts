/** The system calls that the runtime has none for, by FFI; Linux only. */
import { toHex } from "../util/bytes.ts";
import { parseIp } from "../util/ip.ts";

const SYMBOLS = {
  accept4: {
    parameters: ["i32", "pointer", "pointer", "i32"],
    result: "i32",
  },
  close: { parameters: ["i32"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  recvmmsg: {
    parameters: ["i32", "buffer", "u32", "i32", "pointer"],
    result: "i32",
  },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "isize",
  },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
} as const;

/** The system's C library. */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS> & Disposable;

// Linux, the same on x86_64 and aarch64.
const AF_INET = 2;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_ACCEPTCONN = 30;
const SOCK_DGRAM = 2;
/** sockaddr_storage. */
const ADDRESS_BYTES = 128;
/** The runtime opens no more other files than this, which then have descriptors in a row. */
const MAX_OTHERS = 4096;

/** Throws where there is no such library, or no permission to use it. */
export function openLibc(): Libc {
  if (Deno.build.os !== "linux") {
    throw new Error(`not known for ${Deno.build.os}`);
  }
  const libc = Deno.dlopen("libc.so.6", SYMBOLS);
  return Object.assign(libc, { [Symbol.dispose]: () => libc.close() });
}

/** A socket of this process. */
export interface FoundSocket {
  readonly descriptor: number;
  readonly kind: "listener" | "connection" | "datagram";
}

/**
 * All sockets of this process. Descriptors are given out from below, so behind
 * a long row of others there is none.
 */
export function* sockets(libc: Libc): Generator<FoundSocket> {
  let others = 0;
  for (let descriptor = 3; others < MAX_OTHERS; descriptor++) {
    const type = socketOption(libc, descriptor, SO_TYPE);
    if (type === undefined) {
      others++;
      continue;
    }
    others = 0;
    yield { descriptor, kind: kindOf(libc, descriptor, type) };
  }
}

function kindOf(
  libc: Libc,
  descriptor: number,
  type: number,
): FoundSocket["kind"] {
  if (type === SOCK_DGRAM) return "datagram";
  return socketOption(libc, descriptor, SO_ACCEPTCONN) === 1
    ? "listener"
    : "connection";
}

/** Undefined where `descriptor` is no socket. */
function socketOption(
  { symbols }: Libc,
  descriptor: number,
  option: number,
): number | undefined {
  const value = new Int32Array(1);
  const failed = symbols.getsockopt(
    descriptor,
    SOL_SOCKET,
    option,
    bytesOf(value),
    bytesOf(Uint32Array.of(4)),
  );
  return failed ? undefined : value[0];
}

/** The sockaddr of a socket's own end, or of its peer; undefined where it has none. */
export function socketAddress(
  { symbols }: Libc,
  descriptor: number,
  end: "own" | "peer",
): Uint8Array | undefined {
  const address = new Uint8Array(ADDRESS_BYTES);
  const length = bytesOf(Uint32Array.of(ADDRESS_BYTES));
  const failed = end === "own"
    ? symbols.getsockname(descriptor, address, length)
    : symbols.getpeername(descriptor, address, length);
  return failed ? undefined : address;
}

/** The port in a sockaddr, IPv4 and IPv6: 2B family, 2B port. */
export function portOf(address: Uint8Array): number {
  return address[2]! << 8 | address[3]!;
}

/** The memory of a number, as a foreign function takes it. */
export function bytesOf(
  number: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(number.buffer);
}

/** The 16 bytes of a sockaddr's IP address, in hexadecimal. */
export function ipKeyOf(address: Uint8Array): string {
  const family = address[0]! | address[1]! << 8;
  return family === AF_INET
    ? toHex(parseIp(address.subarray(4, 8).join("."))!)
    : toHex(address.subarray(8, 24));
}

/** What the kernel knows of a TCP connection. */
export interface TcpInfo {
  /** What a segment that we send carries at most. */
  readonly segmentBytes: number;
  /** How long ago the other end has last acknowledged anything, be it again. */
  readonly lastAckMs: number;
  /** How much the other end has room for. */
  readonly windowBytes: number;
}

/** Where these three are in struct tcp_info, in numbers of 4B; the last came with Linux 5.4. */
const TCP_INFO_NUMBERS = 58;
const [SND_MSS, LAST_ACK_RECV, SND_WND] = [4, 14, 57];

/** Undefined for what isn't TCP, and on older kernels. */
export function tcpInfo(
  { symbols }: Libc,
  descriptor: number,
): TcpInfo | undefined {
  const info = new Uint32Array(TCP_INFO_NUMBERS);
  const length = Uint32Array.of(info.byteLength);
  const failed = symbols.getsockopt(
    descriptor,
    IPPROTO_TCP,
    TCP_INFO,
    bytesOf(info),
    bytesOf(length),
  );
  if (failed || length[0] !== info.byteLength) return undefined;
  return {
    segmentBytes: info[SND_MSS]!,
    lastAckMs: info[LAST_ACK_RECV]!,
    windowBytes: info[SND_WND]!,
  };
}
