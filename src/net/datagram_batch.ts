/** Many datagrams by one system call, next to a socket of the runtime, which takes one at a time (Linux). */
import { equalBytes } from "../util/bytes.ts";
import { parseIp, parseIpv4, shortestIp } from "../util/ip.ts";
import {
  boundSockets,
  bytesOf,
  ipOf,
  type Libc,
  openLibc,
  portOf,
} from "./libc.ts";

/** Datagrams of one system call. */
const BATCH_DATAGRAMS = 16;
/** A longer datagram is cut off. */
export const MAX_DATAGRAM_BYTES = 1_500;
/** A STUN answer over IPv6 has 44 bytes. */
const MAX_REPLY_BYTES = 64;

// Linux, the same on x86_64 and aarch64.
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
/** struct mmsghdr: 8B name, 4B its length, 4B padding, 8B iovec, 8B their number, 24B of no use here, 4B bytes, 4B padding. */
const HEADER = { bytes: 64, nameLength: 8, iovec: 16, iovecs: 24, length: 56 };
/** struct iovec: 8B address, 8B length. */
const IOVEC_BYTES = 16;
/** struct sockaddr_in6: 2B family, 2B port, 4B flow, 16B address, 4B scope; sockaddr_in has its 4B address behind the port. */
const NAME_BYTES = 28;

const LITTLE_ENDIAN = true;

/** The parts of one direction's memory. */
interface Messages {
  readonly headers: DataView<ArrayBuffer>;
  readonly headerBytes: Uint8Array<ArrayBuffer>;
  readonly names: Uint8Array<ArrayBuffer>;
  readonly payloads: Uint8Array<ArrayBuffer>;
}

/** Takes what waits at a UDP socket, and answers it. */
export class DatagramBatch {
  readonly #libc: Libc;
  readonly #descriptor: number;
  readonly #received = messages(MAX_DATAGRAM_BYTES);
  readonly #replies = messages(MAX_REPLY_BYTES);
  #replyCount = 0;

  private constructor(libc: Libc, descriptor: number) {
    this.#libc = libc;
    this.#descriptor = descriptor;
  }

  /** For the UDP socket of this process that is bound to `address`; undefined where that can't be done. */
  static open(address: Deno.NetAddr): DatagramBatch | undefined {
    let libc: Libc | undefined;
    try {
      libc = openLibc();
      return new DatagramBatch(libc, find(libc, address));
    } catch {
      libc?.close();
      return undefined; // the runtime's own way does it too, only slower
    }
  }

  /** Takes datagrams that are there already; how many. They are valid until the next call. */
  receive(): number {
    const { headerBytes } = this.#received;
    const taken = this.#libc.symbols.recvmmsg(
      this.#descriptor,
      headerBytes,
      BATCH_DATAGRAMS,
      MSG_DONTWAIT,
      null,
    );
    return Math.max(0, taken); // an error is the runtime's to find
  }

  /** The datagram that was taken as number `index`, or as much of it as there is room for. */
  datagram(index: number): Uint8Array {
    const { headers, payloads } = this.#received;
    const start = index * MAX_DATAGRAM_BYTES;
    const length = headers.getUint32(
      index * HEADER.bytes + HEADER.length,
      LITTLE_ENDIAN,
    );
    return payloads.subarray(start, start + length);
  }

  /** The 4 or 16 bytes of its sender's address; an IPv4 address within IPv6 is IPv4. */
  senderIp(index: number): Uint8Array {
    const ip = ipOf(this.#senderName(index));
    return ip.length === 4 ? ip : shortestIp(ip);
  }

  senderPort(index: number): number {
    return portOf(this.#senderName(index));
  }

  /** Has `reply` sent to the sender of number `index`; once for each at most. */
  reply(index: number, reply: Uint8Array): void {
    const { headers, names, payloads } = this.#replies;
    const at = this.#replyCount++;
    names.set(this.#senderName(index), at * NAME_BYTES);
    payloads.set(reply, at * MAX_REPLY_BYTES);
    const header = at * HEADER.bytes;
    const nameLength = this.#received.headers.getUint32(
      index * HEADER.bytes + HEADER.nameLength,
      LITTLE_ENDIAN,
    );
    headers.setUint32(header + HEADER.nameLength, nameLength, LITTLE_ENDIAN);
    setPayloadLength(headers, at, reply.length);
  }

  /** Sends the replies; how many the system took. What it doesn't take is lost, as datagrams are. */
  send(): number {
    const { headerBytes } = this.#replies;
    const count = this.#replyCount;
    this.#replyCount = 0;
    let sent = 0;
    for (let next = 0; next < count; next++) {
      const took = this.#libc.symbols.sendmmsg(
        this.#descriptor,
        headerBytes.subarray(next * HEADER.bytes),
        count - next,
        MSG_DONTWAIT,
      );
      if (took <= 0) continue; // the first one is refused: on with the one behind it
      sent += took;
      next += took - 1;
    }
    return sent;
  }

  /** Lets sockets that allow it too be bound to single addresses of the port, or nobody any more. */
  setShared(isShared: boolean): void {
    const value = bytesOf(Int32Array.of(isShared ? 1 : 0));
    const { setsockopt } = this.#libc.symbols;
    setsockopt(this.#descriptor, SOL_SOCKET, SO_REUSEADDR, value, 4);
  }

  /** Forgets the descriptor; to be called before the socket is closed. */
  close(): void {
    this.#libc.close();
  }

  #senderName(index: number): Uint8Array {
    const start = index * NAME_BYTES;
    return this.#received.names.subarray(start, start + NAME_BYTES);
  }
}

/** Memory for `BATCH_DATAGRAMS` messages; system calls get their addresses, so it never moves nor is given back. */
function messages(payloadBytes: number): Messages {
  const headerBytes = new Uint8Array(
    BATCH_DATAGRAMS * (HEADER.bytes + IOVEC_BYTES),
  );
  const headers = new DataView(headerBytes.buffer);
  const names = new Uint8Array(BATCH_DATAGRAMS * NAME_BYTES);
  const payloads = new Uint8Array(BATCH_DATAGRAMS * payloadBytes);
  const [headersAt, namesAt, payloadsAt] = [headerBytes, names, payloads]
    .map((part) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(part)));
  for (let i = 0; i < BATCH_DATAGRAMS; i++) {
    const header = i * HEADER.bytes;
    const iovec = iovecOf(i);
    const set = (offset: number, value: bigint) =>
      headers.setBigUint64(offset, value, LITTLE_ENDIAN);
    set(header, namesAt! + BigInt(i * NAME_BYTES));
    set(header + HEADER.nameLength, BigInt(NAME_BYTES));
    set(header + HEADER.iovec, headersAt! + BigInt(iovec));
    set(header + HEADER.iovecs, 1n);
    set(iovec, payloadsAt! + BigInt(i * payloadBytes));
    setPayloadLength(headers, i, payloadBytes);
  }
  return { headers, headerBytes, names, payloads };
}

/** The iovecs stand behind the headers. */
function iovecOf(index: number): number {
  return BATCH_DATAGRAMS * HEADER.bytes + index * IOVEC_BYTES;
}

function setPayloadLength(
  headers: DataView<ArrayBuffer>,
  index: number,
  length: number,
): void {
  headers.setUint32(iovecOf(index) + 8, length, LITTLE_ENDIAN);
}

function find(libc: Libc, { hostname, port }: Deno.NetAddr): number {
  const ip = parseIpv4(hostname) ?? parseIp(hostname);
  for (const { descriptor, address } of boundSockets(libc, "datagram")) {
    if (
      ip !== undefined && portOf(address) === port &&
      equalBytes(ipOf(address), ip)
    ) return descriptor;
  }
  throw new Error("the UDP socket was not found");
}
