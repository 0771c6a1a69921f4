/** All sessions of one node key, and which of them receives. */
import type { RelayMetrics } from "./metrics.ts";
import type { Session } from "./session.ts";

/**
 * One is the rule. Two or more are a client that reconnects, or a cloned key:
 * the newest receives until another one sends; when the receiving one leaves,
 * the one that was newest or sent last before it takes over.
 */
export class ClientSet {
  readonly #metrics: RelayMetrics;
  /** The last one is active. */
  readonly #sessions: Session[] = [];

  constructor(metrics: RelayMetrics) {
    this.#metrics = metrics;
  }

  /** The session that receives; undefined when there is none at all. */
  get active(): Session | undefined {
    return this.#sessions[this.#sessions.length - 1];
  }

  get size(): number {
    return this.#sessions.length;
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#sessions[Symbol.iterator]();
  }

  add(session: Session): void {
    const size = this.#sessions.push(session);
    if (size === 1) return;
    this.#metrics.totalDupClientConns++;
    this.#metrics.currentDupClientConns += size === 2 ? 2 : 1;
    if (size === 2) this.#metrics.currentDupClientKeys++;
  }

  remove(session: Session): void {
    this.#sessions.splice(this.#sessions.indexOf(session), 1);
    const size = this.#sessions.length;
    if (size === 0) return;
    this.#metrics.currentDupClientConns -= size === 1 ? 2 : 1;
    if (size === 1) this.#metrics.currentDupClientKeys--;
  }

  /** Makes `session` the active one, because it has sent a frame. */
  noteActivity(session: Session): void {
    if (this.active === session) return;
    this.#sessions.splice(this.#sessions.indexOf(session), 1);
    this.#sessions.push(session);
  }
}
