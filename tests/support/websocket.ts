/** The client's side of DERP over WebSocket, frame by frame, over a pair of `Conn`s. */
import { noTurn } from "./no_turn.ts";
import type { HttpEnd, UpgradeHandler } from "../../src/http/connection.ts";
import { derpUpgrade } from "../../src/http/derp_upgrade.ts";
import { NodePublic } from "../../src/keys/node_key.ts";
import { type Conn, writeAll } from "../../src/net/conn.ts";
import type { DerpStart } from "../../src/relay/handshake.ts";
import { concatBytes, readUint16 } from "../../src/util/bytes.ts";
import { assert, assertEquals } from "./assert.ts";
import type { ConnPairOptions, MemoryConn } from "./conn_pair.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { bytes, serve } from "./http_exchange.ts";

/** A good request, without anything behind it. */
export const HANDSHAKE = [
  "GET /derp HTTP/1.1",
  "Host: relay.test",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Protocol: chat, derp",
  "Sec-WebSocket-Extensions: permessage-deflate",
  "",
  "",
].join("\r\n");

/** What derper 1.102.5 answers to it, but for the order of the fields and the date. */
const SWITCHED =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\nSec-WebSocket-Protocol: derp\r\n\r\n";

/** First bytes of unfragmented messages (RFC 6455, 5.2). */
export const BINARY = 0x82;
export const TEXT = 0x81;
export const CLOSE = 0x88;
export const PING = 0x89;

/** Upgrades with a relay that does `accept`. */
export function upgradeTo(
  accept: (conn: Conn, start: DerpStart) => Promise<void>,
  clock = new FakeClock(),
): UpgradeHandler {
  const publicKey = NodePublic.fromBytes(new Uint8Array(32));
  return derpUpgrade({ publicKey, accept }, clock, noTurn);
}

/** A WebSocket between two ends in memory. */
export interface Opened extends AsyncDisposable {
  /** The client's end, under the WebSocket. */
  readonly client: MemoryConn;
  /** The relay's end, on top of it. */
  readonly conn: Conn;
  readonly end: Promise<HttpEnd>;
}

/** A WebSocket whose handshake is over; `early` is sent in one write with it. */
export async function open(
  early: Uint8Array = new Uint8Array(0),
  options: ConnPairOptions = {},
): Promise<Opened> {
  const accepted = Promise.withResolvers<Conn>();
  const session = Promise.withResolvers<void>();
  const clock = new FakeClock();
  const upgrade = upgradeTo((conn, { preface, rest, ...start }) => {
    assertEquals([preface.length, rest.length], [0, 0]);
    assertEquals(start, { notIdeal: false, isWebSocket: true });
    accepted.resolve(conn);
    return session.promise;
  }, clock);
  const { client, end } = serve({ upgrade }, options);
  await writeAll(client, concatBytes(bytes(HANDSHAKE), early));
  const answer = await client.readExactly(SWITCHED.length);
  assertEquals(new TextDecoder().decode(answer), SWITCHED);
  const conn = await accepted.promise;
  assertEquals(clock.pending, 0);
  return {
    client,
    conn,
    end,
    async [Symbol.asyncDispose]() {
      conn.close();
      client.close();
      session.resolve();
      await end;
      await settle();
    },
  };
}

/** A frame as clients send it: masked (RFC 6455, 5.2). */
export function frame(first: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const mask = [1, 2, 3, 4];
  const size = length < 126
    ? [0x80 | length]
    : length < 65536
    ? [0xfe, length >> 8, length & 0xff]
    : [0xff, 0, 0, 0, 0, 0, length >> 16, length >> 8 & 0xff, length & 0xff];
  return Uint8Array.from([
    first,
    ...size,
    ...mask,
    ...payload.map((byte, i) => byte ^ mask[i % 4]!),
  ]);
}

/** The next frame that the server sent. */
export async function readFrame(
  client: MemoryConn,
): Promise<{ first: number; payload: Uint8Array }> {
  const [first = 0, size = 0] = await client.readExactly(2);
  assert(size < 127, "longer than 65,535 bytes, or masked");
  const length = size < 126 ? size : readUint16(await client.readExactly(2), 0);
  return { first, payload: await client.readExactly(length) };
}

/** `length` bytes that differ from place to place. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 31 >> 3);
}

/** Exactly `length` bytes. */
export async function readExactly(
  conn: Conn,
  length: number,
): Promise<Uint8Array> {
  const into = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const n = await conn.read(into.subarray(filled));
    assert(n !== null && n > 0, `${n} after ${filled} bytes`);
    filled += n;
  }
  return into;
}
