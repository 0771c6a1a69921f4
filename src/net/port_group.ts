/** Who listens on a port: listeners of this process, and those of one that takes over or is about to go (Linux). */
import { toHex } from "../util/bytes.ts";
import {
  boundSockets,
  ipOf,
  type Libc,
  portOf,
  readTable,
  socketAddress,
} from "./libc.ts";

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
  for (const { address } of boundSockets(libc, "listener")) {
    if (tableAddress(address) === wanted) own++;
  }
  const isIpv4 = ipOf(address).length === 4;
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
  const ip = ipOf(address);
  let text = "";
  for (let at = 0; at < ip.length; at += WORD_BYTES) {
    text += toHex(ip.slice(at, at + WORD_BYTES).reverse()); // both our machines are little-endian
  }
  const port = portOf(address);
  return `${text}:${toHex(Uint8Array.of(port >> 8, port))}`.toUpperCase();
}
