/** What each frame of an admitted connection does, and who may send it. */
import { looksLikeDisco } from "../derp/disco.ts";
import { ProtocolError } from "../derp/errors.ts";
import { frameName, FrameType } from "../derp/frame.ts";
import type { FrameReader } from "../derp/frame_reader.ts";
import { encodePong } from "../derp/messages.ts";
import { KEY_BYTES, NodePublic } from "../keys/node_key.ts";
import type { DropReason, PacketKind } from "./drop_reason.ts";
import type { Session } from "./session.ts";

/**
 * Handles the frame at hand.
 *
 * @throws ProtocolError "permission" for a mesh frame without the mesh key
 */
export function dispatch(session: Session, frame: FrameReader): void {
  const { clients } = session.route;
  if (clients.size > 1) clients.noteActivity(session);
  switch (frame.type) {
    case FrameType.SendPacket:
      return sendPacket(session, frame);
    case FrameType.ForwardPacket:
      requireMeshKey(session, frame);
      return forwardedPacket(session, frame);
    case FrameType.Ping:
      return ping(session, frame);
    case FrameType.NotePreferred:
      return session.setHome(frame.buffer[frame.start] !== 0);
    case FrameType.WatchConns:
      requireMeshKey(session, frame);
      return session.table.watch(session);
    case FrameType.ClosePeer:
      requireMeshKey(session, frame);
      return closePeer(session, frame);
    default: // derper skips them too; frames of types to come must not end a connection
      session.metrics.unknownFrames++;
  }
}

/** SendPacket: to the local client, else to the mesh peer that has it, else to nobody. */
function sendPacket(session: Session, frame: FrameReader): void {
  const { buffer, start, end } = frame;
  const { metrics, route: source } = session;
  const at = start + KEY_BYTES;
  metrics.packetsReceivedKind[packetKind(buffer, at, end)]++;
  metrics.bytesReceived += end - at;
  session.receivedPackets++;
  session.receivedBytes += end - at;
  const route = session.table.lookUp(buffer, start);
  const destination = route?.clients.active;
  if (destination !== undefined) {
    if (!isGone(destination, frame, at)) {
      destination.deliver(source, buffer, at, end);
    }
    return;
  }
  const forwarder = route?.forwarders[0];
  if (forwarder === undefined) {
    return nobody(session, frame, at, "unknown_dest");
  }
  metrics.packetsForwardedOut++;
  forwarder.forwardPacket(source.key.bytes, buffer, start, end);
}

/** ForwardPacket: to the local client or nobody; a forwarded packet is not forwarded again. */
function forwardedPacket(session: Session, frame: FrameReader): void {
  const { buffer, start, end } = frame;
  session.metrics.packetsForwardedIn++;
  const destination = session.table.lookUp(buffer, start + KEY_BYTES)?.clients
    .active;
  const at = start + 2 * KEY_BYTES;
  session.receivedPackets++;
  session.receivedBytes += end - at;
  if (destination === undefined) {
    return nobody(session, frame, at, "unknown_dest_on_fwd");
  }
  if (isGone(destination, frame, at)) return;
  const source = session.table.lookUp(buffer, start) ??
    session.table.routeOf(NodePublic.fromBytes(buffer, start));
  destination.deliver(source, buffer, at, end);
}

/** Whether the destination has ended but isn't out of the table yet; then the packet at `at` is lost. */
function isGone(destination: Session, frame: FrameReader, at: number): boolean {
  if (!destination.writer.isClosed) return false;
  const kind = packetKind(frame.buffer, at, frame.end);
  destination.metrics.drop("gone_disconnected", kind, {
    packets: 1,
    bytes: frame.end - at,
  });
  return true;
}

/** Drops the packet at `at`; the sender of a disco packet is told, for it may be looking for a path. */
function nobody(
  session: Session,
  frame: FrameReader,
  at: number,
  reason: DropReason,
): void {
  const kind = packetKind(frame.buffer, at, frame.end);
  session.metrics.drop(reason, kind, { packets: 1, bytes: frame.end - at });
  if (kind === "disco") {
    session.sendNotHere(NodePublic.fromBytes(frame.buffer, at - KEY_BYTES));
  }
}

function packetKind(bytes: Uint8Array, start: number, end: number): PacketKind {
  return looksLikeDisco(bytes, start, end) ? "disco" : "other";
}

function ping(session: Session, frame: FrameReader): void {
  session.metrics.gotPing++;
  session.metrics.sentPong++;
  session.writer.sendControl(encodePong(frame.payload()));
}

/** ClosePeer: ends all connections of a key; its client comes back and may find a better node. */
function closePeer(session: Session, frame: FrameReader): void {
  const route = session.table.lookUp(frame.buffer, frame.start);
  if (route === undefined) return;
  for (const client of [...route.clients]) client.writer.close();
}

function requireMeshKey(session: Session, frame: FrameReader): void {
  if (session.isMeshPeer) return;
  const name = frameName(frame.type);
  throw new ProtocolError(
    "permission",
    `${name} frame from a client without the mesh key`,
  );
}
