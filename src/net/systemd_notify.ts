/** Tells systemd how the program is: sd_notify(3), by datagrams to the socket that NOTIFY_SOCKET names (Linux). */
import type { Cancel, Clock } from "../util/clock.ts";
import { type Libc, openLibc } from "./libc.ts";

// Linux, the same on x86_64 and aarch64.
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
/** sockaddr_un: 2B family, then the path. */
const MAX_PATH_BYTES = 108;

/** How often the status is looked at where systemd doesn't watch. */
const STATUS_MS = 5_000;

/** What the environment says, and time. */
export interface SystemdNotifyOptions {
  readonly env: (name: string) => string | undefined;
  readonly clock: Clock;
  readonly pid: number;
}

/** A program that systemd has started with Type=notify. */
export class SystemdNotify {
  readonly #libc: Libc;
  readonly #socket: number;
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #clock: Clock;
  /** Within which systemd wants to hear of the program; undefined where it doesn't watch. */
  readonly #watchdogMs: number | undefined;
  #status = "";
  #cancel: Cancel | undefined;

  private constructor(
    libc: Libc,
    { address, clock, watchdogMs }: {
      address: Uint8Array<ArrayBuffer>;
      clock: Clock;
      watchdogMs: number | undefined;
    },
  ) {
    this.#libc = libc;
    this.#address = address;
    this.#clock = clock;
    this.#watchdogMs = watchdogMs;
    const type = SOCK_DGRAM | SOCK_CLOEXEC;
    this.#socket = libc.symbols.socket(AF_UNIX, type, 0);
  }

  /** Undefined where nobody wants to hear of the program, or it can't be told. */
  static open(
    { env, clock, pid }: SystemdNotifyOptions,
  ): SystemdNotify | undefined {
    const address = unixAddress(env("NOTIFY_SOCKET") ?? "");
    if (address === undefined) return undefined;
    try {
      const watchdogMs = watchdogOf(env, pid);
      return new SystemdNotify(openLibc(), { address, clock, watchdogMs });
    } catch {
      return undefined; // without FFI; systemd will tell that it has heard nothing
    }
  }

  /** The program is ready; from now on it shows that it lives, and its status where that has changed. */
  ready(status: () => string): void {
    this.#send(["READY=1", ...this.#changed(status())]);
    const everyMs = Math.min(STATUS_MS, (this.#watchdogMs ?? Infinity) / 2);
    const watchdog = this.#watchdogMs === undefined ? [] : ["WATCHDOG=1"];
    const show = () => {
      this.#send([...watchdog, ...this.#changed(status())]);
      this.#cancel = this.#clock.after(everyMs, show);
    };
    this.#cancel = this.#clock.after(everyMs, show);
  }

  /** The program has begun to stop, which will take at most this long; it goes on showing that it lives. */
  stopping(withinMs: number): void {
    this.#send(["STOPPING=1", `EXTEND_TIMEOUT_USEC=${withinMs * 1000}`]);
  }

  close(): void {
    this.#cancel?.();
    this.#libc.symbols.close(this.#socket);
    this.#libc.close();
  }

  #changed(status: string): string[] {
    if (status === this.#status) return [];
    this.#status = status;
    return [`STATUS=${status.replaceAll("\n", " ")}`];
  }

  /** What can't be sent is lost: nobody has to wait for systemd. */
  #send(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const message = new TextEncoder().encode(lines.join("\n"));
    const address = this.#address;
    this.#libc.symbols.sendto(
      this.#socket,
      message,
      BigInt(message.length),
      MSG_DONTWAIT,
      address,
      address.length,
    );
  }
}

/** The sockaddr_un of a path, or of a name that begins with "@" in the abstract namespace; undefined for neither. */
export function unixAddress(
  path: string,
): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new TextEncoder().encode(path);
  const isAbstract = path.startsWith("@");
  if (!isAbstract && !path.startsWith("/")) return undefined; // for example vsock:…
  if (bytes.length >= MAX_PATH_BYTES) return undefined;
  const address = new Uint8Array(2 + bytes.length + (isAbstract ? 0 : 1));
  address[0] = AF_UNIX;
  address.set(bytes, 2);
  if (isAbstract) address[2] = 0;
  return address;
}

/** sd_watchdog_enabled(3): the time, where it is meant for this process. */
function watchdogOf(
  env: SystemdNotifyOptions["env"],
  pid: number,
): number | undefined {
  const ms = Number(env("WATCHDOG_USEC") ?? 0) / 1000;
  const isMeant = Number(env("WATCHDOG_PID") ?? pid) === pid;
  return ms > 0 && isMeant ? ms : undefined;
}
