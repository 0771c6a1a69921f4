/** DERP over WebSocket, for clients in browsers: binary messages are made a stream of bytes. */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
// @ts-types="@types/ws"
import type { ServerOptions, WebSocketServer } from "ws";
import type { Conn } from "../net/conn.ts";
import { connDuplex } from "../net/node_duplex.ts";
import type { Clock, Turn } from "../util/clock.ts";
import type { RequestHead } from "./request_head.ts";
import { WebSocketConn } from "./websocket_conn.ts";

/** For the answer to be taken; the relay's own deadlines follow. */
const HANDSHAKE_TIMEOUT_MS = 30_000;
/** For the other side's close frame, after ours. */
const CLOSE_TIMEOUT_MS = 1_000;
/** A client's write buffer may hold several frames of up to 64 KiB. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** Each may keep the 16 KiB that it was read with. */
const MAX_FRAGMENTS = 32;

const SUBPROTOCOL = "derp";
/** What ws looks at. */
const FIELDS = [
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
];

/** Answers WebSocket handshakes. */
export class WebSocketUpgrade {
  readonly #clock: Clock;
  readonly #turn: Turn;
  /** ws takes 18 MB; stock clients never ask for it. */
  #server: Promise<WebSocketServer> | undefined;

  constructor(clock: Clock, turn: Turn) {
    this.#clock = clock;
    this.#turn = turn;
  }

  /** Whether a request to upgrade to `websocket` offers the subprotocol of DERP. */
  static isMeant(head: RequestHead): boolean {
    const offered = head.header("sec-websocket-protocol") ?? "";
    return offered.split(",").some((name) => name.trim() === SUBPROTOCOL);
  }

  /** Completes the handshake; undefined where it is refused, and `conn` closed. */
  async open(
    head: RequestHead,
    conn: Conn,
    rest: Uint8Array,
  ): Promise<Conn | undefined> {
    const server = await (this.#server ??= loadServer());
    const duplex = connDuplex(conn, this.#turn);
    return await new Promise((resolve) => {
      const cancel = this.#clock.after(
        HANDSHAKE_TIMEOUT_MS,
        () => void duplex.destroy(),
      );
      const done = (inner?: Conn) => {
        cancel();
        resolve(inner);
      };
      duplex.once("close", () => done());
      server.handleUpgrade(
        upgradeRequest(head),
        duplex,
        Buffer.from(rest),
        (socket) => done(new WebSocketConn(socket, conn)),
      );
    });
  }
}

/** Options of ws that its types don't know. */
type Options = ServerOptions & { closeTimeout: number; maxFragments: number };

async function loadServer(): Promise<WebSocketServer> {
  const { WebSocketServer } = await import("ws");
  const options: Options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: () => SUBPROTOCOL,
  };
  return new WebSocketServer(options);
}

/** As much of a request as ws reads. */
function upgradeRequest(head: RequestHead): IncomingMessage {
  const headers: Record<string, string> = {};
  for (const name of FIELDS) {
    const value = head.header(name);
    if (value !== undefined) headers[name] = value;
  }
  return {
    method: head.method,
    url: head.target,
    headers,
  } as unknown as IncomingMessage;
}
