/** Frame types, their limits, and the header. */
import {
  CLIENT_LIMITS,
  frameName,
  FrameType,
  HELLO_LIMITS,
  MAX_PACKET_BYTES,
  PeerGoneReason,
  PeerPresentFlag,
  SERVER_LIMITS,
  writeFrameHeader,
} from "../../../src/derp/frame.ts";
import { toHex } from "../../../src/util/bytes.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("FrameType has the numbers of tailscale's derp/derp.go", () => {
  assertEquals({ ...FrameType }, {
    ServerKey: 0x01,
    ClientInfo: 0x02,
    ServerInfo: 0x03,
    SendPacket: 0x04,
    RecvPacket: 0x05,
    KeepAlive: 0x06,
    NotePreferred: 0x07,
    PeerGone: 0x08,
    PeerPresent: 0x09,
    ForwardPacket: 0x0a,
    WatchConns: 0x10,
    ClosePeer: 0x11,
    Ping: 0x12,
    Pong: 0x13,
    Health: 0x14,
    Restarting: 0x15,
  });
  assertEquals({ ...PeerGoneReason }, { Disconnected: 0, NotHere: 1 });
  assertEquals({ ...PeerPresentFlag }, {
    Regular: 1,
    MeshPeer: 2,
    Prober: 4,
    NotIdeal: 8,
  });
});

Deno.test("CLIENT_LIMITS and HELLO_LIMITS are derper's bounds", () => {
  const bounds = (limits: typeof CLIENT_LIMITS) =>
    Object.fromEntries(
      Object.entries(limits).map((
        [type, limit],
      ) => [frameName(Number(type)), [limit!.minBytes, limit!.maxBytes]]),
    );
  assertEquals(MAX_PACKET_BYTES, 65_536);
  assertEquals(bounds(HELLO_LIMITS), { ClientInfo: [56, 262_144] });
  assertEquals(bounds(CLIENT_LIMITS), {
    SendPacket: [32, 65_568],
    NotePreferred: [1, 1],
    ForwardPacket: [64, 65_600],
    WatchConns: [0, 0],
    ClosePeer: [32, 32],
    Ping: [8, 1000],
  });
});

Deno.test("every frame type is bounded for whoever may receive it", () => {
  for (const [name, type] of Object.entries(FrameType)) {
    const limit = HELLO_LIMITS[type] ?? CLIENT_LIMITS[type] ??
      SERVER_LIMITS[type];
    assert(limit && limit.maxBytes <= 1024 * 1024, name);
  }
});

Deno.test("writeFrameHeader() writes type and length and says where the payload begins", () => {
  const into = new Uint8Array(8);
  const payloadAt = writeFrameHeader(into, FrameType.SendPacket, {
    offset: 2,
    payloadBytes: 0x89abcdef,
  });
  assertEquals(payloadAt, 7);
  assertEquals(toHex(into), "0000" + "04" + "89abcdef" + "00");
});

Deno.test("frameName() names what it knows and numbers the rest", () => {
  assertEquals(frameName(0x12), "Ping");
  assertEquals(frameName(0x0b), "0x0b");
  assertEquals(frameName(0xff), "0xff");
});
