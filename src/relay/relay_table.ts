/** Who is where: node key to local sessions, and to the mesh peers that have it. */
import { PeerGoneReason } from "../derp/frame.ts";
import { encodePeerGone, encodePeerPresent } from "../derp/messages.ts";
import type { NodePublic } from "../keys/node_key.ts";
import { ClientSet } from "./client_set.ts";
import { findInconsistencies } from "./consistency.ts";
import type { PacketForwarder } from "./forwarder.ts";
import { KeyMap } from "./key_map.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { Session } from "./session.ts";

/** All that is known of one key. It stays as long as any of the three has something. */
export interface Route {
  readonly key: NodePublic;
  readonly clients: ClientSet;
  /** Mesh peers that announce the key; the first has done so longest and is used. */
  readonly forwarders: PacketForwarder[];
  /** Sessions that have received packets from the key and are told when it leaves. */
  readonly hearers: Set<Session>;
}

/** Every method is synchronous: between two awaits the table is consistent. */
export class RelayTable {
  readonly #routes = new KeyMap<Route>();
  readonly #metrics: RelayMetrics;
  readonly #ownKey: NodePublic;
  readonly #watchers = new Set<Session>();

  constructor(ownKey: NodePublic, metrics: RelayMetrics) {
    this.#ownKey = ownKey;
    this.#metrics = metrics;
  }

  /** What is known of the key at `offset` of `from`. */
  lookUp(from: Uint8Array, offset: number): Route | undefined {
    return this.#routes.get(from, offset);
  }

  /** The same, made where it is missing; the caller gives it something to stay for. */
  routeOf(key: NodePublic): Route {
    let route = this.#routes.get(key.bytes);
    if (route === undefined) {
      const clients = new ClientSet(this.#metrics);
      route = { key, clients, forwarders: [], hearers: new Set() };
      this.#routes.add(key, route);
    }
    return route;
  }

  /** Adds an admitted session and tells the watchers; the result takes it out again. */
  register(session: Session): Disposable {
    const { route } = session;
    if (!isPresent(route)) this.#metrics.clientsTotal++;
    if (route.clients.size === 0) this.#metrics.clientsLocal++;
    route.clients.add(session);
    this.#metrics.currentConnections++;
    if (session.isNotIdeal) this.#metrics.currentNotIdealConnections++;
    this.#tellWatchers(() => encodePeerPresent(session.presence()));
    return { [Symbol.dispose]: () => this.#unregister(session) };
  }

  #unregister(session: Session): void {
    const { route } = session;
    this.#unwatch(session);
    for (const heard of session.heard) {
      heard.hearers.delete(session);
      this.#forgetIfUnused(heard);
    }
    session.heard.clear();
    route.clients.remove(session);
    this.#metrics.currentConnections--;
    if (session.isNotIdeal) this.#metrics.currentNotIdealConnections--;
    if (route.clients.size > 0) return;
    this.#metrics.clientsLocal--;
    const { Disconnected } = PeerGoneReason;
    this.#tellWatchers(() => encodePeerGone(route.key, Disconnected));
    this.#metrics.peerGoneDisconnectedFrames += this.#watchers.size;
    this.#noteGoneIfAbsent(route);
  }

  /** Notes that `to` receives a packet from the key of `source`. */
  noteHeard(source: Route, to: Session): void {
    source.hearers.add(to);
    to.heard.add(source);
  }

  /** Notes that a mesh peer has `key`. */
  addForwarder(key: NodePublic, forwarder: PacketForwarder): void {
    const route = this.routeOf(key);
    if (route.forwarders.includes(forwarder)) return;
    if (!isPresent(route)) this.#metrics.clientsTotal++;
    if (route.forwarders.push(forwarder) === 2) {
      this.#metrics.multiForwarderCreated++;
    }
  }

  /** Notes that a mesh peer doesn't have `key` any more. */
  removeForwarder(key: NodePublic, forwarder: PacketForwarder): void {
    const route = this.#routes.get(key.bytes);
    const index = route?.forwarders.indexOf(forwarder) ?? -1;
    if (route === undefined || index < 0) {
      if (route && isPresent(route) && route.forwarders.length < 2) { // derper's count
        this.#metrics.packetForwarderDeleteOtherValue++;
      }
      return;
    }
    route.forwarders.splice(index, 1);
    if (route.forwarders.length === 1) this.#metrics.multiForwarderDeleted++;
    this.#noteGoneIfAbsent(route);
  }

  /** Tells a mesh peer who is here, and from now on who comes and goes. */
  watch(watcher: Session): void {
    // We have dialled ourselves; telling ourselves of our clients would make a loop.
    if (watcher.route.key.equals(this.#ownKey)) return;
    const frames: Uint8Array[] = [];
    for (const { clients } of this.#routes.values()) {
      if (clients.active) {
        frames.push(encodePeerPresent(clients.active.presence()));
      }
    }
    this.#watchers.add(watcher);
    this.#metrics.watchers = this.#watchers.size;
    this.#notify(watcher, frames);
  }

  #unwatch(watcher: Session): void {
    this.#watchers.delete(watcher);
    this.#metrics.watchers = this.#watchers.size;
  }

  /** Most relays have no watchers, so the frame is made for them alone. */
  #tellWatchers(makeFrame: () => Uint8Array): void {
    if (this.#watchers.size === 0) return;
    const frame = makeFrame();
    for (const watcher of this.#watchers) this.#notify(watcher, [frame]);
  }

  #notify(watcher: Session, frames: readonly Uint8Array[]): void {
    this.#metrics.meshUpdateBatchSize.observe(frames.length);
    this.#metrics.meshUpdateLoopCount.observe(1); // derper's loops until no update is left
    for (const frame of frames) watcher.writer.sendControl(frame);
  }

  /** Every session that is registered. */
  *sessions(): IterableIterator<Session> {
    for (const { clients } of this.#routes.values()) yield* clients;
  }

  /** What in the table contradicts itself or the metrics, one line each; nothing where all is well. */
  checkConsistency(): string[] {
    return findInconsistencies({
      routes: this.#routes,
      watchers: this.#watchers,
      metrics: this.#metrics,
    });
  }

  #noteGoneIfAbsent(route: Route): void {
    if (isPresent(route)) return;
    this.#metrics.clientsTotal--;
    const gone = encodePeerGone(route.key, PeerGoneReason.Disconnected);
    for (const hearer of route.hearers) {
      hearer.heard.delete(route);
      hearer.writer.sendControl(gone);
      this.#metrics.peerGoneDisconnectedFrames++;
    }
    route.hearers.clear();
    this.#forgetIfUnused(route);
  }

  #forgetIfUnused(route: Route): void {
    if (!isPresent(route) && route.hearers.size === 0) {
      this.#routes.delete(route.key);
    }
  }
}

/** Whether the key is in the region, here or at a mesh peer. */
function isPresent(route: Route): boolean {
  return route.clients.size > 0 || route.forwarders.length > 0;
}
