/** How much each client may send: reads are delayed, nothing is dropped. */
import { MAX_PACKET_BYTES } from "../derp/frame.ts";
import { KEY_BYTES } from "../keys/node_key.ts";
import { logger } from "../log/log.ts";
import type { Clock } from "../util/clock.ts";
import { messageOf } from "../util/error_message.ts";

const log = logger("relay");

/** The largest SendPacket frame without its header; a bucket holds one at least, and no frame counts for more (derper's rule). */
const MIN_BURST_BYTES = MAX_PACKET_BYTES + KEY_BYTES;

/** While a frame waits, this often it is looked at whether its session has ended. */
const LOOK_MS = 1000;

/** Who has had to wait for longer than this, with no rest of `REST_MS` in between, is throttled. */
const THROTTLED_MS = 60_000;
const REST_MS = 10_000;

/** A limit that applies. */
export interface RateLimit {
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
}

const NO_LIMIT: RateLimit = { bytesPerSecond: 0, burstBytes: 0 };

/** What is the same for all clients. Mesh peers have no part in it. */
export class RateLimits {
  readonly clock: Clock;
  /** How often a frame had to wait. */
  waited = 0;
  #current = NO_LIMIT;
  /** Wakes each frame that waits. */
  readonly #sleepers = new Set<() => void>();

  /** `clock` is for waits of milliseconds: one with coarse timers would let everything come in bursts. */
  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The limit of each client as it applies; 0 bytes a second for none. */
  get current(): RateLimit {
    return this.#current;
  }

  /** Applies a limit to all clients from now on. Frames that wait wait no longer. */
  set({ bytesPerSecond, burstBytes }: RateLimit): void {
    const limit = bytesPerSecond === 0 ? NO_LIMIT : {
      bytesPerSecond,
      burstBytes: Math.max(burstBytes, MIN_BURST_BYTES),
    };
    if (isSame(limit, this.#current)) return; // buckets stay as full as they are
    this.#current = limit;
    for (const wake of [...this.#sleepers]) wake();
  }

  /** Applies what `read` gives, or keeps the limit where that fails; says which. Never rejects. */
  async reload(read: () => Promise<RateLimit>): Promise<void> {
    try {
      this.set(await read());
      log.info("limits for what each client sends: {limit}", {
        limit: String(this),
      });
    } catch (error) {
      log.warn(
        "the limits for what each client sends stay as they are, {limit}: {why}",
        { limit: String(this), why: messageOf(error) },
      );
    }
  }

  toString(): string {
    const { bytesPerSecond, burstBytes } = this.#current;
    return bytesPerSecond === 0
      ? "none"
      : `${bytesPerSecond} bytes a second, ${burstBytes} at once`;
  }

  /** Resolves after `delayMs`, or when the limit changes. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        this.#sleepers.delete(wake);
        resolve();
      };
      const cancel = this.clock.after(delayMs, wake);
      this.#sleepers.add(wake);
    });
  }
}

function isSame(a: RateLimit, b: RateLimit): boolean {
  return a.bytesPerSecond === b.bytesPerSecond &&
    a.burstBytes === b.burstBytes;
}

/** One client's part of it: a bucket that its frames empty and time fills. */
export class Pacer {
  readonly #limits: RateLimits;
  readonly #onThrottled: (pacer: Pacer) => void;
  #limit = NO_LIMIT;
  /** Below 0 while a frame waits. */
  #tokens = 0;
  #refilledMs = 0;
  /** When it first waited after the last rest. */
  #slowSinceMs = 0;
  #waitedMs = -Infinity;

  /** `onThrottled` is called again and again while it is. */
  constructor(
    limits: RateLimits,
    onThrottled: (pacer: Pacer) => void = () => {},
  ) {
    this.#limits = limits;
    this.#onThrottled = onThrottled;
  }

  /** Whether the client has been slowed for over a minute and still is. */
  get isThrottled(): boolean {
    return this.#waitedMs - this.#slowSinceMs > THROTTLED_MS &&
      this.#limits.clock.nowMs() - this.#waitedMs <= REST_MS;
  }

  /** The wait before a frame with `payloadBytes` may be handled; undefined for none. It ends early when `isOver`. */
  wait(
    payloadBytes: number,
    isOver: () => boolean,
  ): Promise<void> | undefined {
    const limit = this.#limits.current;
    if (limit !== this.#limit) this.#begin(limit);
    if (limit === NO_LIMIT) return undefined;
    this.#refill({ maxTokens: limit.burstBytes });
    this.#tokens -= Math.min(payloadBytes, MIN_BURST_BYTES);
    return this.#tokens < 0 ? this.#sleep(isOver) : undefined;
  }

  /** A new limit begins with a full bucket. */
  #begin(limit: RateLimit): void {
    this.#limit = limit;
    this.#tokens = limit.burstBytes;
    this.#refilledMs = this.#limits.clock.nowMs();
  }

  #refill({ maxTokens }: { maxTokens: number }): void {
    const nowMs = this.#limits.clock.nowMs();
    const more = (nowMs - this.#refilledMs) / 1000 * this.#limit.bytesPerSecond;
    this.#refilledMs = nowMs;
    if (this.#tokens >= maxTokens) return;
    this.#tokens = Math.min(maxTokens, this.#tokens + more);
  }

  async #sleep(isOver: () => boolean): Promise<void> {
    this.#limits.waited++;
    const limit = this.#limit;
    while (this.#tokens < 0 && !isOver()) {
      this.#noteWait();
      const delayMs = -this.#tokens / limit.bytesPerSecond * 1000;
      await this.#limits.sleep(Math.min(Math.ceil(delayMs), LOOK_MS));
      if (this.#limits.current !== limit) return;
      // No upper bound: what a late timer took is given back, else a high rate would never be reached.
      this.#refill({ maxTokens: Infinity });
    }
  }

  #noteWait(): void {
    const nowMs = this.#limits.clock.nowMs();
    if (nowMs - this.#waitedMs > REST_MS) this.#slowSinceMs = nowMs;
    this.#waitedMs = nowMs;
    if (this.isThrottled) this.#onThrottled(this);
  }
}
