/** What a control plane says about its devices, and how it is asked. */
import { SourceError } from "./source.ts";

/** One device of a tailnet. */
export interface Device {
  readonly name: string | undefined;
  /** Calendar time at which its key ends; Infinity where it doesn't. */
  readonly expiresAtMs: number;
  /** Why it may not use the relay though it is listed, for example "isn't authorized"; absent where it may. */
  readonly barred?: string | undefined;
}

/** An answer, whole; it never changes, a new one takes its place. */
export interface DeviceList {
  /** By node key, `nodekey:` and 64 lower-case hexadecimal digits. */
  readonly byKey: ReadonlyMap<string, Device>;
  /** How many devices were listed, also those without a node key. */
  readonly count: number;
  /** What the server calls this state of the list, where it has a name for it. */
  readonly etag?: string | undefined;
}

/** One place to get the list from. */
export interface DeviceLister {
  /**
   * The list, or undefined where it still is the one that the server called
   * `etag`.
   *
   * @throws SourceError
   */
  list(
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<DeviceList | undefined>;
  /** Gives back its connections. */
  close(): void;
}

/** Thrown by a lister whose server wants to be left alone for a while. */
export class RetryLaterError extends SourceError {
  readonly retryAfterMs: number;

  constructor(
    message: string,
    options: { advice: string; retryAfterMs: number },
  ) {
    super(message, { advice: options.advice, isUnreachable: false });
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Calendar time of a key's end as Go writes it: the zero time, an empty text
 * and null mean that there is none. NaN for anything that is no time.
 */
export function expiryMs(text: unknown): number {
  if (text === null || text === undefined || text === "") return Infinity;
  if (typeof text !== "string") return NaN;
  const ms = Date.parse(text);
  return ms <= 0 ? Infinity : ms;
}

/** Adds a device; of two with the same key the one that may use the relay counts. */
export function addDevice(
  byKey: Map<string, Device>,
  key: string,
  device: Device,
): void {
  if (Number.isNaN(device.expiresAtMs)) {
    addDevice(byKey, key, {
      ...device,
      expiresAtMs: Infinity,
      barred: device.barred ?? "has an expiry that is no time",
    });
    return;
  }
  const known = byKey.get(key);
  if (known === undefined || known.barred !== undefined) byKey.set(key, device);
}
