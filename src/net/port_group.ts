/** Who listens on a port: listeners of this process, and those of one that takes over or is about to go (Linux). */
import { type Libc, portOf, socketAddress, sockets } from "./libc.ts";

const AF_INET = 2;
const O_RDONLY = 0;
/** The kernel lists listeners before all connections, of which there may be many thousands. */
const MAX_TABLE_BYTES = 64 * 1024;
const CHUNK_BYTES = 4096;
const WORD_BYTES = 4;
/** "  0: 0100007F:01BB 00000000:0000 0A …": number, own address, peer's, state LISTEN. */
const LISTENER = /^ *\d+: ([0-9A-F]+:[0-9A-F]{4}) [0-9A-F:]+ 0A /;

/** How many listeners there are with the same address and port as `descriptor`. */
export interface PortGroup {
  /** Of this process. */
  readonly own: number;
  /** Of others; 0 also where the system doesn't tell. */
  readonly foreign: number;
}

/** Counts them. */
export function countListeners(libc: Libc, descriptor: number): PortGroup {
  const address = socketAddress(libc, descriptor, "own");
  if (address === undefined) return { own: 0, foreign: 0 };
  const wanted = tableAddress(address);
  let own = 0;
  for (const { descriptor, kind } of sockets(libc)) {
    if (kind !== "listener") continue;
    const address = socketAddress(libc, descriptor, "own");
    if (address !== undefined && tableAddress(address) === wanted) own++;
  }
  const isIpv4 = familyOf(address) === AF_INET;
  const table = readTable(libc, `/proc/self/net/${isIpv4 ? "tcp" : "tcp6"}`);
  const all = countInTable(table, wanted);
  return { own, foreign: Math.max(0, all - own) };
}

/** How many lines of the kernel's table of TCP sockets are about listeners at `address`. */
export function countInTable(table: string, address: string): number {
  let count = 0;
  for (const line of table.split("\n").slice(1)) {
    const listener = LISTENER.exec(line);
    if (listener === null) break;
    if (listener[1] === address) count++;
  }
  return count;
}

/** A sockaddr as the table has it: words of the machine's byte order, in hexadecimal. */
export function tableAddress(address: Uint8Array): string {
  const ip = familyOf(address) === AF_INET
    ? address.subarray(4, 8)
    : address.subarray(8, 24);
  let text = "";
  for (let at = 0; at < ip.length; at += WORD_BYTES) {
    text += hex(ip.slice(at, at + WORD_BYTES).reverse()); // both our machines are little-endian
  }
  const port = portOf(address);
  return `${text}:${hex(Uint8Array.of(port >> 8, port))}`;
}

function familyOf(address: Uint8Array): number {
  return address[0]! | address[1]! << 8;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
    .toUpperCase();
}

/** By FFI, for the runtime lets programs read below /proc only with all rights. */
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
