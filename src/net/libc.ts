/** The system calls that the runtime has none for, by FFI; Linux only. */
import { toHex } from "../util/bytes.ts";
import type { Turn } from "../util/clock.ts";
import { longestIp } from "../util/ip.ts";

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
const O_RDONLY = 0;
/** sockaddr_storage. */
const ADDRESS_BYTES = 128;
/** The runtime opens no more other files than this, which then have descriptors in a row. */
const MAX_OTHERS = 4096;
/** A walk takes 4 µs a socket. */
const SOCKETS_PER_TURN = 256;
/** Of a table of the kernel; it lists listeners before all connections, of which there may be many thousands. */
const MAX_TABLE_BYTES = 64 * 1024;
const CHUNK_BYTES = 4096;

/** Throws where there is no such library, or no permission to use it. */
export function openLibc(): Libc {
  if (Deno.build.os !== "linux") {
    throw new Error(`not known for ${Deno.build.os}`);
  }
  const libc = Deno.dlopen("libc.so.6", SYMBOLS);
  return Object.assign(libc, { [Symbol.dispose]: () => libc.close() });
}

/** A socket of this process. */
interface FoundSocket {
  readonly descriptor: number;
  readonly kind: "listener" | "connection" | "datagram";
}

/**
 * All sockets of this process. Descriptors are given out from below, so behind
 * a long row of others there is none.
 */
function* sockets(libc: Libc): Generator<FoundSocket> {
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

/**
 * Shows `visit` one connection of this process after the other, for as long as
 * it says to go on, and gives way in between. Throws as `openLibc()`.
 */
export async function walkConnections(
  turn: Turn,
  visit: (descriptor: number, libc: Libc) => boolean,
): Promise<void> {
  using libc = openLibc();
  let walked = 0;
  for (const { descriptor, kind } of sockets(libc)) {
    if (kind === "connection" && !visit(descriptor, libc)) return;
    if (++walked % SOCKETS_PER_TURN === 0) await turn.wait();
  }
}

/** The sockets of one kind, each with the sockaddr of its own end. */
export function* boundSockets(
  libc: Libc,
  wanted: FoundSocket["kind"],
): Generator<{ readonly descriptor: number; readonly address: Uint8Array }> {
  for (const { descriptor, kind } of sockets(libc)) {
    if (kind !== wanted) continue;
    const address = socketAddress(libc, descriptor, "own");
    if (address !== undefined) yield { descriptor, address };
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

/** The 4 or 16 bytes of the IP address in a sockaddr, as its family has it. */
export function ipOf(address: Uint8Array): Uint8Array {
  return address[0] === AF_INET
    ? address.subarray(4, 8)
    : address.subarray(8, 24);
}

/** The 16 bytes of the IP address in a sockaddr, in hexadecimal. */
export function ipKeyOf(address: Uint8Array): string {
  return toHex(longestIp(ipOf(address)));
}

/** The text of a file below /proc, which the runtime lets programs read only with all rights; empty where it can't be read. */
export function readTable({ symbols }: Libc, path: string): string {
  const descriptor = symbols.open(
    new TextEncoder().encode(`${path}\0`),
    O_RDONLY,
  );
  if (descriptor < 0) return "";
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(CHUNK_BYTES);
  let text = "";
  while (text.length < MAX_TABLE_BYTES) {
    const bytes = Number(symbols.read(descriptor, chunk, BigInt(CHUNK_BYTES)));
    if (bytes <= 0) break;
    text += decoder.decode(chunk.subarray(0, bytes), { stream: true });
  }
  symbols.close(descriptor);
  return text;
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
