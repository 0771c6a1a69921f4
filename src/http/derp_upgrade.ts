/** `/derp`: from HTTP to DERP, plainly, with fast start, or over WebSocket. */
import { PROTOCOL_VERSION } from "../derp/frame.ts";
import type { NodePublic } from "../keys/node_key.ts";
import type { Conn } from "../net/conn.ts";
import type { DerpStart } from "../relay/handshake.ts";
import type { Clock, Turn } from "../util/clock.ts";
import type { UpgradeHandler } from "./connection.ts";
import { DroppedUpgrade } from "./dropped_upgrade.ts";
import type { RequestHead } from "./request_head.ts";
import { WebSocketUpgrade } from "./websocket.ts";

const NOTHING = new Uint8Array(0);

/** The relay, as seen from here. */
export interface DerpAcceptor {
  readonly publicKey: NodePublic;
  /** Serves DERP on `conn` to its end and closes it. */
  accept(conn: Conn, start: DerpStart): Promise<void>;
}

/** Takes over the connections that want to speak DERP. */
export function derpUpgrade(
  acceptor: DerpAcceptor,
  clock: Clock,
  turn: Turn,
): UpgradeHandler {
  const webSocket = new WebSocketUpgrade(clock, turn);
  const dropped = new DroppedUpgrade();
  const switching = new TextEncoder().encode(
    "HTTP/1.1 101 Switching Protocols\r\n" +
      "Upgrade: DERP\r\n" +
      "Connection: Upgrade\r\n" +
      `Derp-Version: ${PROTOCOL_VERSION}\r\n` +
      `Derp-Public-Key: ${acceptor.publicKey.hex()}\r\n\r\n`,
  );
  return (head, conn, rest) => {
    if (!isDerpPath(head.target)) return undefined;
    const protocol = head.header("upgrade")?.toLowerCase();
    if (protocol !== "derp" && protocol !== "websocket") return undefined;
    dropped.upgraded(head, conn.remote.ip);
    // Early clients said "websocket" and spoke plain DERP; the subprotocol tells them apart.
    if (protocol === "websocket" && WebSocketUpgrade.isMeant(head)) {
      return acceptWebSocket(head, conn, rest);
    }
    const preface = head.header("derp-fast-start") === "1"
      ? NOTHING
      : switching;
    const notIdeal = (head.header("ideal-node") ?? "") !== "";
    return acceptor.accept(conn, { preface, rest, notIdeal });
  };

  async function acceptWebSocket(
    head: RequestHead,
    conn: Conn,
    rest: Uint8Array,
  ): Promise<void> {
    const inner = await webSocket.open(head, conn, rest);
    if (inner === undefined) return;
    await acceptor.accept(inner, {
      preface: NOTHING,
      rest: NOTHING,
      notIdeal: false,
      isWebSocket: true,
    });
  }
}

/** Whether the target is `/derp`, with or without a query. */
function isDerpPath(target: string): boolean {
  return target === "/derp" || target.startsWith("/derp?");
}
