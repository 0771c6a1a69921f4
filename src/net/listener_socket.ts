/** What a listener can do only by way of its descriptor: options, a successor, turning clients away. */
import { logger } from "../log/log.ts";
import { messageOf } from "../util/error_message.ts";
import { boundSockets, type Libc, openLibc, portOf } from "./libc.ts";
import { countListeners } from "./port_group.ts";
import { setSocketOptions, type SocketTimeouts } from "./socket_options.ts";

const log = logger("net");

// Linux, the same on x86_64 and aarch64.
const SOL_SOCKET = 1;
const SO_ATTACH_REUSEPORT_CBPF = 51;
/** Classic BPF's "return a constant". */
const BPF_RET_K = 0x06;
const PROGRAM_BYTES = 16;
const LITTLE_ENDIAN = true;
/** As Go's listeners have it; the runtime asks for less, and a burst then waits for SYNs sent again. */
const BACKLOG = 4096;
/** Bounds how long the turning away keeps all else waiting. */
const MAX_REFUSALS = 256;

/** The descriptor of one listener; to be closed before the listener is. */
export class ListenerSocket {
  readonly #libc: Libc;
  readonly descriptor: number;

  private constructor(libc: Libc, descriptor: number) {
    this.#libc = libc;
    this.descriptor = descriptor;
  }

  /**
   * Finds the listener of `port` that isn't `other`, and sets its options.
   * Where that can't be done, says what it costs and gives nothing.
   */
  static open(
    port: number,
    { timeouts, other }: {
      timeouts: SocketTimeouts;
      other: ListenerSocket | undefined;
    },
  ): ListenerSocket | undefined {
    let libc: Libc | undefined;
    try {
      libc = openLibc();
      const descriptor = find(libc, port, other?.descriptor);
      setSocketOptions(libc, descriptor, timeouts);
      libc.symbols.listen(descriptor, BACKLOG);
      return new ListenerSocket(libc, descriptor);
    } catch (error) {
      libc?.close();
      log.warn(
        "can't set socket options on port {port} ({why}): packets of quiet connections are up to 20 ms late, and -tcp-keepalive-time and -tcp-user-timeout have no effect",
        { port, why: messageOf(error) },
      );
      return undefined;
    }
  }

  /**
   * Of this process' listeners on the port, in the order in which they came,
   * lets one have all new connections. The kernel counts all listeners of the
   * port, in their order of coming; those of another process, which is to be
   * stopped, have come before ours. Where there is none with that number, all
   * share again. A kernel that doesn't know how goes on sharing.
   */
  giveConnectionsTo(own: 0 | 1): void {
    const { foreign } = countListeners(this.#libc, this.descriptor);
    // struct sock_fprog: 2B length, 6B padding, 8B pointer; then the one
    // struct sock_filter: 2B code, 2B jumps, 4B constant
    const program = new Uint8Array(PROGRAM_BYTES + 8);
    const view = new DataView(program.buffer);
    const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(program));
    view.setUint16(0, 1, LITTLE_ENDIAN);
    view.setBigUint64(8, address + BigInt(PROGRAM_BYTES), LITTLE_ENDIAN);
    view.setUint16(PROGRAM_BYTES, BPF_RET_K, LITTLE_ENDIAN);
    view.setUint32(PROGRAM_BYTES + 4, foreign + own, LITTLE_ENDIAN);
    this.#libc.symbols.setsockopt(
      this.descriptor,
      SOL_SOCKET,
      SO_ATTACH_REUSEPORT_CBPF,
      program,
      PROGRAM_BYTES,
    );
  }

  /** Whether another process listens on the port, too. */
  get isShared(): boolean {
    return countListeners(this.#libc, this.descriptor).foreign > 0;
  }

  /** Accepts and closes what waits to be accepted, before TLS costs anything; how many. */
  refuseWaiting(): number {
    const { accept4, close } = this.#libc.symbols;
    for (let refused = 0; refused < MAX_REFUSALS; refused++) {
      const descriptor = accept4(this.descriptor, null, null, 0);
      if (descriptor < 0) return refused; // none: listeners don't block
      close(descriptor);
    }
    return MAX_REFUSALS;
  }

  /** Forgets the descriptor; the listener goes on. */
  close(): void {
    this.#libc.close();
  }
}

function find(libc: Libc, port: number, other: number | undefined): number {
  for (const { descriptor, address } of boundSockets(libc, "listener")) {
    if (descriptor !== other && portOf(address) === port) return descriptor;
  }
  throw new Error("the listening socket was not found");
}
