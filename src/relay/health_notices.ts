/** Tells clients what is wrong with the relay, in Health frames, which a stock client shows to its user. */
import { encodeHealth } from "../derp/messages.ts";
import type { Cancel, Clock } from "../util/clock.ts";
import type { Pacer } from "./rate_limit.ts";
import type { RelayTable } from "./relay_table.ts";
import type { Session } from "./session.ts";

/** A client is sent one frame in this time at most, whatever it says. */
const INTERVAL_MS = 60_000;
/** While there is something to say, this often it is looked at to whom. */
const SWEEP_MS = 1_000;
/** Frames of one sweep: thousands at once would hold up the packets of all. */
const SWEEP_FRAMES = 1_000;

/** What may be wrong for all clients, in the order in which it is told. */
export type NoticeKind = "certificate" | "verification";

// Stock clients put "The relay server #1 is reporting an issue: " in front of all texts.

const THROTTLED =
  "this device sends more than the relay allows and is slowed down";
const STOPPING = "the relay is about to stop or restart";

/** What one client was last told, and when. */
interface Told {
  readonly text: string;
  readonly ms: number;
}

/**
 * A client has one text at a time, so all that is wrong is in one. Clients with
 * nothing to be told cost nothing: no entry, and no timer, of which there is
 * one for all.
 */
export class HealthNotices {
  readonly #table: RelayTable;
  readonly #clock: Clock;
  readonly #problems: Record<NoticeKind, string | undefined> = {
    certificate: undefined,
    verification: undefined,
  };
  readonly #throttled = new Map<Session, Pacer>();
  /** Who may have to be told something; in the order in which it came up. */
  readonly #due = new Set<Session>();
  /** Who was told something within the last interval, or has a text that stands. */
  readonly #told = new Map<Session, Told>();
  #cancelSweep: Cancel | undefined;
  /** Who comes now is told, too. */
  #isStopping = false;

  constructor(table: RelayTable, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /**
   * Notes what is wrong for all clients, or that nothing is any more. The text
   * is for their users: short, plain, without a full stop, and of nothing that
   * strangers may not know.
   */
  report(kind: NoticeKind, text: string | undefined): void {
    if (this.#problems[kind] === text) return;
    this.#problems[kind] = text;
    for (const session of this.#table.sessions()) {
      if (hasUser(session)) this.#due.add(session);
    }
    this.#sweep();
  }

  /** Notes that a client is throttled; `pacer` knows for how long it is. */
  noteThrottled(session: Session, pacer: Pacer): void {
    if (this.#throttled.has(session) || !hasUser(session)) return;
    this.#throttled.set(session, pacer);
    this.#due.add(session);
    this.#arm();
  }

  /** Tells a new session, after its ServerInfo, what is wrong; the result forgets the session. */
  join(session: Session): Disposable {
    if (hasUser(session) && !this.#settle(session)) {
      this.#due.add(session);
      this.#arm();
    }
    return { [Symbol.dispose]: () => this.#forget(session) };
  }

  /** Tells a client at once that its connection is about to end. */
  tellStopping(session: Session): void {
    if (!hasUser(session) || session.writer.isClosed) return;
    this.#isStopping = true;
    const text = this.#problemsOf(session).join("; ");
    if (this.#told.get(session)?.text !== text) this.#tell(session, text);
  }

  #forget(session: Session): void {
    this.#throttled.delete(session);
    this.#due.delete(session);
    this.#told.delete(session);
    if (this.#throttled.size + this.#due.size > 0) return;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #sweep(): void {
    for (const [session, pacer] of this.#throttled) {
      if (pacer.isThrottled) continue;
      this.#throttled.delete(session);
      this.#due.add(session);
    }
    let frames = 0;
    for (const session of this.#due) {
      const before = this.#told.get(session);
      if (this.#settle(session)) this.#due.delete(session);
      if (this.#told.get(session) !== before && ++frames >= SWEEP_FRAMES) break;
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#cancelSweep !== undefined) return;
    if (this.#throttled.size + this.#due.size === 0) return;
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => {
      this.#cancelSweep = undefined;
      this.#sweep();
    });
  }

  /** Tells a client what it should know and doesn't, if it may be told now; whether it need not be looked at again. */
  #settle(session: Session): boolean {
    const text = this.#problemsOf(session).join("; ");
    const told = this.#told.get(session);
    if (told && this.#clock.nowMs() - told.ms < INTERVAL_MS) {
      return text !== "" && text === told.text;
    }
    if (text !== (told?.text ?? "")) {
      this.#tell(session, text);
      return text !== ""; // an empty one is looked at once more, to be forgotten
    }
    if (text === "") this.#told.delete(session);
    return true;
  }

  #tell(session: Session, text: string): void {
    session.writer.sendControl(encodeHealth(text));
    this.#told.set(session, { text, ms: this.#clock.nowMs() });
  }

  #problemsOf(session: Session): string[] {
    const { certificate, verification } = this.#problems;
    const throttled = this.#throttled.has(session) ? THROTTLED : undefined;
    const stopping = this.#isStopping ? STOPPING : undefined;
    return [certificate, verification, throttled, stopping]
      .filter((text) => text !== undefined);
  }
}

/** Mesh peers and probers have no user who could be shown a text. */
function hasUser({ isMeshPeer, isProber }: Session): boolean {
  return !isMeshPeer && !isProber;
}
